package etcdtest

import "testing"

// ServerFiles are the certificates of a server at 127.0.0.1 that is not an etcd: the files ca.crt, tls.crt and tls.key of Dir.
type ServerFiles struct {
	Dir string

	authority *authority
}

// NewServerFiles makes an authority and a certificate.
func NewServerFiles(tb testing.TB) *ServerFiles {
	tb.Helper()
	a := newAuthority(tb)
	a.serverArguments(tb, false)
	return &ServerFiles{Dir: a.serverDir, authority: a}
}

// Renew replaces the server's certificate by another one of the same authority, as a rotation does.
func (f *ServerFiles) Renew(tb testing.TB) {
	tb.Helper()
	f.authority.renewServerCertificate(tb, certificateLifetime)
}
