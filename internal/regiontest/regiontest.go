// Package regiontest runs a region's API server for tests: a real kube-apiserver on a real etcd, with the project's
// CRDs and roles, and accounts with tokens. Unlike the one of package apitest it can pause, die and come back.
package regiontest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-logr/logr"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/yaml"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
	"github.com/etcdfleet/etcd-fleet/internal/testproc"
)

// The tokens of the server's accounts.
const (
	// DatasourceToken is that of the user etcdfleet-datasource, whom deploy/rbac/datasource.yaml grants its rights.
	DatasourceToken = "datasource-token"
	// ReaderToken is that of a user who may read the objects and nothing more.
	ReaderToken = "reader-token"
	// StrangerToken is that of a user without rights.
	StrangerToken = "stranger-token"

	adminToken = "admin-token"
)

const (
	pollInterval     = 50 * time.Millisecond
	uninstallTimeout = time.Minute
)

const tokenFile = adminToken + `,admin,admin,"system:masters"
` + DatasourceToken + `,etcdfleet-datasource,datasource,
` + ReaderToken + `,reader,reader,
` + StrangerToken + `,stranger,stranger,
`

// The clients here have nothing to say.
func init() { ctrllog.SetLogger(logr.Discard()) }

// Server is a running API server.
type Server struct {
	*testproc.Process
	// URL is where it serves, CACert the authority (PEM) of its certificate.
	URL    string
	CACert string
	// Admin is a client that may do everything.
	Admin client.Client

	etcd *testproc.Process
}

// Start runs an API server with its files in dir.
func Start(dir string) (*Server, error) {
	binaries, err := labbin.Dir("etcd", "kube-apiserver")
	if err != nil {
		return nil, err
	}
	server := &Server{}
	etcdURL, err := server.startEtcd(dir, binaries)
	if err != nil {
		return nil, err
	}
	if err := server.startAPIServer(dir, binaries, etcdURL); err != nil {
		server.Close()
		return nil, err
	}
	if err := server.applyDeploy(); err != nil {
		server.Close()
		return nil, err
	}
	return server, nil
}

// Close stops the server and its etcd.
func (s *Server) Close() {
	if s.Process != nil {
		s.Kill()
	}
	s.etcd.Kill()
}

func (s *Server) startEtcd(dir, binaries string) (string, error) {
	addresses, err := testproc.FreeAddresses(2)
	if err != nil {
		return "", err
	}
	clientURL, peerURL := "http://"+addresses[0], "http://"+addresses[1]
	s.etcd, err = testproc.Start(dir, filepath.Join(binaries, "etcd"), []string{
		"--data-dir", filepath.Join(dir, "etcd"),
		"--listen-client-urls", clientURL,
		"--advertise-client-urls", clientURL,
		"--listen-peer-urls", peerURL,
		"--initial-advertise-peer-urls", peerURL,
		"--initial-cluster", "default=" + peerURL,
		"--unsafe-no-fsync",
	}, func(ctx context.Context) error { return testproc.GetOK(ctx, http.DefaultClient, clientURL+"/readyz") })
	return clientURL, err
}

func (s *Server) startAPIServer(dir, binaries, etcdURL string) error {
	addresses, err := testproc.FreeAddresses(1)
	if err != nil {
		return err
	}
	address := addresses[0]
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	tokens, key := filepath.Join(dir, "tokens.csv"), filepath.Join(dir, "service-account.key")
	if err := errors.Join(os.WriteFile(tokens, []byte(tokenFile), 0o600), writeKey(key)); err != nil {
		return err
	}
	s.URL = "https://" + address
	s.Process, err = testproc.Start(dir, filepath.Join(binaries, "kube-apiserver"), []string{
		"--etcd-servers", etcdURL,
		"--bind-address", "127.0.0.1",
		"--secure-port", port,
		"--cert-dir", dir,
		"--token-auth-file", tokens,
		"--authorization-mode", "RBAC",
		"--service-account-issuer", s.URL,
		"--service-account-key-file", key,
		"--service-account-signing-key-file", key,
		"--service-cluster-ip-range", "10.0.0.0/24",
		"--endpoint-reconciler-type", "none",
	}, func(ctx context.Context) error { return s.awaitReady(ctx, dir) })
	return err
}

func (s *Server) awaitReady(ctx context.Context, dir string) error {
	// The API server makes itself a certificate, followed by that of its authority.
	certificates, err := os.ReadFile(filepath.Join(dir, "apiserver.crt"))
	if err != nil {
		return err
	}
	s.CACert = string(certificates)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certificates)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	return testproc.GetOK(ctx, &http.Client{Transport: transport}, s.URL+"/readyz")
}

// applyDeploy applies deploy/crds and what deploy/rbac says of the datasource, and a role for the reader.
func (s *Server) applyDeploy() error {
	if err := s.InstallCRDs("deploy", "crds"); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	err := errors.Join(clientgoscheme.AddToScheme(scheme), v1beta1.AddToScheme(scheme))
	if err != nil {
		return err
	}
	if s.Admin, err = client.New(s.adminConfig(), client.Options{Scheme: scheme}); err != nil {
		return err
	}
	for _, manifest := range []string{"accounts.yaml", "datasource.yaml", "datasource-admission.yaml"} {
		if err := s.CreateFrom("deploy", "rbac", manifest); err != nil {
			return fmt.Errorf("apply deploy/rbac/%s: %w", manifest, err)
		}
	}
	for _, object := range readerRole() {
		if err := s.Admin.Create(context.Background(), object); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) adminConfig() *rest.Config {
	return &rest.Config{Host: s.URL, BearerToken: adminToken, TLSClientConfig: rest.TLSClientConfig{CAData: []byte(s.CACert)}}
}

// InstallCRDs installs the CRDs of a file or folder of the repository; Start has installed deploy/crds.
func (s *Server) InstallCRDs(elements ...string) error {
	crds, err := labbin.RepositoryPath(elements...)
	if err != nil {
		return err
	}
	options := envtest.CRDInstallOptions{Paths: []string{crds}, ErrorIfPathMissing: true, MaxTime: time.Minute}
	if _, err := envtest.InstallCRDs(s.adminConfig(), options); err != nil {
		return fmt.Errorf("install the CRDs: %w", err)
	}
	return nil
}

// UninstallCRDs deletes the CRDs of a file or folder with all their objects, and waits until the server does not know them
// any more: it serves a deleted CRD for a while.
func (s *Server) UninstallCRDs(elements ...string) error {
	crds, err := labbin.RepositoryPath(elements...)
	if err != nil {
		return err
	}
	options := envtest.CRDInstallOptions{Paths: []string{crds}}
	if err := errors.Join(envtest.ReadCRDFiles(&options), envtest.UninstallCRDs(s.adminConfig(), options)); err != nil {
		return err
	}
	return wait.PollUntilContextTimeout(context.Background(), pollInterval, uninstallTimeout, true, func(ctx context.Context) (bool, error) {
		for _, crd := range options.CRDs {
			for _, version := range crd.Spec.Versions {
				objects := &unstructured.UnstructuredList{}
				objects.SetGroupVersionKind(schema.GroupVersionKind{Group: crd.Spec.Group, Version: version.Name, Kind: crd.Spec.Names.ListKind})
				if err := s.Admin.List(ctx, objects); !apierrors.IsNotFound(err) && !meta.IsNoMatchError(err) {
					return false, nil //nolint:nilerr // it is asked again, until the time is over
				}
			}
		}
		return true, nil
	})
}

// CreateFrom creates the objects of a file of the repository, YAML documents of any kind that the server knows.
func (s *Server) CreateFrom(elements ...string) error {
	path, err := labbin.RepositoryPath(elements...)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for document := range strings.SplitSeq(string(content), "\n---\n") {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		if err := s.Admin.Create(context.Background(), object); err != nil {
			return err
		}
	}
	return nil
}

func readerRole() []client.Object {
	meta := metav1.ObjectMeta{Name: "reader"}
	return []client.Object{
		&rbacv1.ClusterRole{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{v1beta1.GroupVersion.Group}, Resources: []string{"*"}, Verbs: []string{"get", "list", "watch"}},
		}},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: meta,
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "reader"},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "reader"}},
		},
	}
}

func writeKey(path string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), 0o600)
}
