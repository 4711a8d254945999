package kafkaguard

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// mechanism is the one way to log in: a broker that knows hashes of keys alone can check no other.
	mechanism = "PLAIN"
	// maxLogin is the largest request of a login, in bytes.
	maxLogin = 4 << 10
)

// Logins are whom a broker lets in: whoever shows a password with one of their hashes. It is safe for concurrent use.
type Logins struct {
	mu      sync.Mutex
	allowed [][sha256.Size]byte
	changed []func()
}

// Set replaces them, and ends the connections of those that are not among them any more.
func (l *Logins) Set(allowed [][sha256.Size]byte) {
	l.mu.Lock()
	l.allowed = allowed
	changed := l.changed
	l.mu.Unlock()
	for _, tell := range changed {
		tell()
	}
}

// allow compares with all of them, in the same time whichever it is.
func (l *Logins) allow(hash [sha256.Size]byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := 0
	for i := range l.allowed {
		found |= subtle.ConstantTimeCompare(l.allowed[i][:], hash[:])
	}
	return found == 1
}

// tell has a function called whenever they change.
func (l *Logins) tell(changed func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed = append(l.changed, changed)
}

// expel ends the connections of those who may not be there any more.
func (l *listener) expel() {
	l.mu.Lock()
	var gone []*conn
	for c := range l.conns {
		if login := c.login.Load(); login != nil && !l.config.Logins.allow(*login) {
			gone = append(gone, c)
		}
	}
	l.mu.Unlock()
	for _, c := range gone {
		_ = c.Close()
	}
}

// judge judges a request of this connection: until its client has logged in, nothing but that is served.
func (c *conn) judge() (verdict, error) {
	logins := c.l.config.Logins
	if logins == nil {
		return c.l.judge(c.frame)
	}
	switch key := int16(binary.BigEndian.Uint16(c.frame[4:])); key {
	case int16(kmsg.ApiVersions):
		return c.l.judge(c.frame)
	case int16(kmsg.SASLHandshake), int16(kmsg.SASLAuthenticate):
		return c.judgeLogin()
	default:
		if login := c.login.Load(); login == nil || !logins.allow(*login) {
			return verdict{}, fmt.Errorf("request %s before a login", kmsg.NameForKey(key))
		}
		return c.l.judge(c.frame)
	}
}

// judgeLogin answers a request of a login.
func (c *conn) judgeLogin() (v verdict, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("a login that cannot be decoded: %v", r)
		}
	}()
	reader := kbin.Reader{Src: c.frame[4:]}
	v.sent.key, v.sent.version, v.sent.correlation = reader.Int16(), reader.Int16(), reader.Int32()
	_ = reader.NullableString()
	supported := served(true)[v.sent.key]
	if len(c.frame) > maxLogin || !reader.Ok() || v.sent.version < supported.min || v.sent.version > supported.max {
		return v, fmt.Errorf("request %s of %d bytes in version %d", kmsg.NameForKey(v.sent.key), len(c.frame),
			v.sent.version)
	}
	request := kmsg.RequestForKey(v.sent.key)
	request.SetVersion(v.sent.version)
	if err := request.ReadFrom(reader.Src); err != nil {
		return v, fmt.Errorf("request %s that cannot be decoded: %w", kmsg.NameForKey(v.sent.key), err)
	}
	switch request := request.(type) {
	case *kmsg.SASLHandshakeRequest:
		response := request.ResponseKind().(*kmsg.SASLHandshakeResponse)
		response.SupportedMechanisms = []string{mechanism}
		if c.shaken = request.Mechanism == mechanism; !c.shaken {
			response.ErrorCode = kerr.UnsupportedSaslMechanism.Code
		}
		v.answer = response
	case *kmsg.SASLAuthenticateRequest:
		v.answer, v.last = c.authenticate(request)
	default:
		return v, errors.New("a request that is no login")
	}
	return v, nil
}

// authenticate lets the client in who shows a password that is allowed; with any other its connection ends.
func (c *conn) authenticate(request *kmsg.SASLAuthenticateRequest) (response *kmsg.SASLAuthenticateResponse,
	last bool) {
	response = request.ResponseKind().(*kmsg.SASLAuthenticateResponse)
	parts := bytes.Split(request.SASLAuthBytes, []byte{0}) // for whom, user, password
	if c.shaken && len(parts) == 3 {
		hash := sha256.Sum256(parts[2])
		if c.l.config.Logins.allow(hash) {
			c.login.Store(&hash)
			return response, false
		}
	}
	response.ErrorCode = kerr.SaslAuthenticationFailed.Code
	message := "the password is no admin key of all accounts, or not any more"
	response.ErrorMessage = &message
	return response, true
}
