package etcdclient

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"net/http"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
)

const (
	// dialTimeout bounds the password login, the only part of connecting that clientv3.New waits for.
	dialTimeout = 3 * time.Second

	// Keep-alive bounds how long a request waits on a connection that a firewall dropped silently. Members refuse
	// pings that come more often than every 5 s, and idle connections are not pinged.
	keepAliveTime    = 10 * time.Second
	keepAliveTimeout = 5 * time.Second

	// readBuffer is gRPC's buffer of each connection, in bytes. Its 32 KiB would be most of what an idle connection costs;
	// large answers are read past it.
	readBuffer = 4 << 10

	// unaryRetries replaces clientv3's 100: a member that refuses connections is reported, not waited for.
	unaryRetries = 2
)

// MaxAnswerBytes bounds one answer, which clientv3 does not: it is held in memory.
const MaxAnswerBytes = 64 << 20

// Pool shares connections to members: one for each endpoint and credentials, whoever asks. New contents of a Secret
// are other credentials, so rotation needs nothing but a new connection; the old one is closed when it is idle.
//
// A Pool is a manager.Runnable; connections of a Pool that is not started stay open.
type Pool struct {
	idleTimeout time.Duration

	mu          sync.Mutex
	connections map[connectionKey]*connection
	stopped     bool
}

type connectionKey struct {
	endpoint    string
	credentials [sha256.Size]byte
}

// connection is a client and how many use it.
type connection struct {
	key  connectionKey
	dial sync.Once

	// client and err are set by dial.
	client *clientv3.Client
	err    error

	// users and idleSince are guarded by the pool's mu.
	users     int
	idleSince time.Time
}

// NewPool returns a pool that closes connections which nobody used for idleTimeout.
func NewPool(idleTimeout time.Duration) *Pool {
	return &Pool{idleTimeout: idleTimeout, connections: map[connectionKey]*connection{}}
}

// Start closes idle connections until ctx ends, and then all as soon as they are not in use.
func (p *Pool) Start(ctx context.Context) error {
	ticker := time.NewTicker(p.idleTimeout / 2)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			p.mu.Lock()
			p.stopped = true
			p.mu.Unlock()
			p.closeIdle(0)
			return nil
		case <-ticker.C:
			p.closeIdle(p.idleTimeout)
		}
	}
}

// Lease returns connections with these credentials for as long as the Lease is not released.
func (p *Pool) Lease(credentials Credentials) *Lease {
	return &Lease{pool: p, credentials: credentials}
}

// Lease is the use of a pool's connections by one run. Its methods may be called concurrently.
type Lease struct {
	pool        *Pool
	credentials Credentials

	mu   sync.Mutex
	held []*connection
	http *http.Client
}

// Client returns a client of the one endpoint, for example https://10.0.0.1:2379. It is shared: do not close it. No
// connection is awaited, so an unreachable member fails the first request, unless a password is needed: then it fails
// here, after 3 s at most.
func (l *Lease) Client(endpoint string) (*clientv3.Client, error) {
	c, err := l.pool.acquire(endpoint, l.credentials)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.held = append(l.held, c)
	l.mu.Unlock()
	return c.client, nil
}

// NewClient is Client over a new connection: for callers that must know whether a member can be reached now. It is the one
// that is shared from now on.
func (l *Lease) NewClient(endpoint string) (*clientv3.Client, error) {
	l.pool.discard(connectionKey{endpoint: endpoint, credentials: l.credentials.digest})
	return l.Client(endpoint)
}

// TLS returns a new configuration for https endpoints: it verifies them, and presents the client certificate if there
// is one.
func (l *Lease) TLS() (*tls.Config, error) {
	return l.credentials.tlsConfig()
}

// WriteCredentials writes the credentials into the directory for a program that inspects by itself: a file for each key of
// the Secrets that is there, of ca.crt, tls.crt, tls.key, username and password.
func (l *Lease) WriteCredentials(dir string) error {
	return l.credentials.write(dir)
}

// HTTP returns a client for what members serve beside gRPC. Its connections are those of this run only: few checks need
// them. Redirects are not followed, since the client certificate is for members alone.
func (l *Lease) HTTP() (*http.Client, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.http == nil {
		config, err := l.credentials.tlsConfig()
		if err != nil {
			return nil, err
		}
		l.http = &http.Client{
			Transport:     &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return l.http, nil
}

// Release returns the connections to the pool. Their clients must not be used any more.
func (l *Lease) Release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.http != nil {
		l.http.CloseIdleConnections()
	}
	for _, c := range l.held {
		l.pool.release(c)
	}
	l.held = nil
}

func (p *Pool) acquire(endpoint string, credentials Credentials) (*connection, error) {
	key := connectionKey{endpoint: endpoint, credentials: credentials.digest}
	for {
		c, created := p.hold(key)
		c.dial.Do(func() { c.client, c.err = newClient(endpoint, credentials) })
		if c.err != nil {
			p.forget(c)
			p.release(c)
			return nil, c.err
		}
		// A connection that failed waits up to two minutes before it tries again, whatever is asked of it: a member
		// that came back would look dead. A new one tries at once.
		if !created && c.client.ActiveConnection().GetState() == connectivity.TransientFailure {
			p.forget(c)
			p.release(c)
			continue
		}
		return c, nil
	}
}

// hold counts one more user of the key's connection, which it creates if there is none.
func (p *Pool) hold(key connectionKey) (c *connection, created bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, found := p.connections[key]
	if !found {
		c = &connection{key: key}
		p.connections[key] = c
	}
	c.users++
	return c, !found
}

// forget keeps a connection from being given out again; its last user closes it.
func (p *Pool) forget(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.connections[c.key] == c {
		delete(p.connections, c.key)
	}
}

// discard forgets the key's connection and closes it when it is not in use.
func (p *Pool) discard(key connectionKey) {
	p.mu.Lock()
	c, found := p.connections[key]
	delete(p.connections, key)
	idle := found && c.users == 0
	p.mu.Unlock()
	if idle {
		c.close()
	}
}

func (p *Pool) release(c *connection) {
	p.mu.Lock()
	c.users--
	c.idleSince = time.Now()
	last := c.users == 0 && (p.stopped || p.connections[c.key] != c)
	p.mu.Unlock()
	if last {
		c.close()
	}
}

// closeIdle closes the connections that nobody has used for the time.
func (p *Pool) closeIdle(idle time.Duration) {
	p.mu.Lock()
	var expired []*connection
	for key, c := range p.connections {
		if c.users == 0 && time.Since(c.idleSince) >= idle {
			delete(p.connections, key)
			expired = append(expired, c)
		}
	}
	p.mu.Unlock()
	for _, c := range expired {
		c.close()
	}
}

func (c *connection) close() {
	if c.client != nil {
		_ = c.client.Close() // says only that its context is cancelled
	}
}

func newClient(endpoint string, credentials Credentials) (*clientv3.Client, error) {
	username, password, err := credentials.login(endpoint)
	if err != nil {
		return nil, err
	}
	config := clientv3.Config{
		Endpoints:            []string{endpoint},
		DialTimeout:          dialTimeout,
		DialKeepAliveTime:    keepAliveTime,
		DialKeepAliveTimeout: keepAliveTimeout,
		MaxUnaryRetries:      unaryRetries,
		MaxCallRecvMsgSize:   MaxAnswerBytes,
		Username:             username,
		Password:             password,
		Logger:               zap.NewNop(), // errors are returned as well
		DialOptions:          []grpc.DialOption{grpc.WithReadBufferSize(readBuffer)},
	}
	if strings.HasPrefix(endpoint, "https://") {
		if config.TLS, err = credentials.tlsConfig(); err != nil {
			return nil, err
		}
	}
	return clientv3.New(config)
}
