package door

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/schema/keys"
)

const (
	sessionTime = 12 * time.Hour
	// hostCookie is sent back by browsers over TLS alone, and to this host alone. plainCookie is for loopback without
	// TLS, where browsers would not keep the other.
	hostCookie, plainCookie = "__Host-kaskad", "kaskad"
	tokenHeader             = "X-CSRF-Token"
	maxSessionBody          = 4 << 10
	// entryKey is where gin keeps what a request came with.
	entryKey = "kaskad entry"
)

// credential is what a request shows: a key, or the cookie of a session.
type credential struct {
	secret string
	cookie bool
	wrong  *answer.Problem
}

// credential reads it. A key in the header counts before a cookie: a page cannot make a browser send one.
func (d *Door) credential(r *http.Request) credential {
	missing := answer.NewProblem(http.StatusUnauthorized, "no-key",
		"a key is needed: send the header Authorization: Bearer KEY; an admin makes keys with kaskad keys create")
	given := r.Header.Values("Authorization")
	switch len(given) {
	case 0:
	case 1:
		scheme, key, _ := strings.Cut(given[0], " ")
		if key = strings.TrimSpace(key); !strings.EqualFold(scheme, "Bearer") || key == "" {
			return credential{wrong: missing}
		}
		return credential{secret: key}
	default:
		return credential{wrong: missing}
	}
	cookie, err := r.Cookie(d.cookieName(r))
	if err != nil || cookie.Value == "" {
		return credential{wrong: missing}
	}
	return credential{secret: cookie.Value, cookie: true}
}

// cookieName is the name of the cookie where the request came to.
func (d *Door) cookieName(r *http.Request) string {
	if r.TLS == nil && !d.config.TLS && d.config.Loopback(r.Host) {
		return plainCookie
	}
	return hostCookie
}

// tokenOf is the token that a session's requests have to show: what is not sent by a browser on its own. It follows
// from the cookie, so nobody keeps it.
func tokenOf(cookie string) (string, error) {
	token, err := hkdf.Key(sha256.New, []byte(cookie), nil, "kaskad csrf token", sha256.Size)
	if err != nil {
		return "", fmt.Errorf("make the token of a session: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(token), nil
}

// checkToken refuses a request that changes something and comes with a cookie alone.
func checkToken(r *http.Request, cookie string) error {
	token, err := tokenOf(cookie)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(r.Header.Get(tokenHeader))) == 1 {
		return nil
	}
	return answer.NewProblem(http.StatusForbidden, "csrf-token",
		"a request with a cookie that is no GET needs the header "+tokenHeader+": GET /v1/session has its value")
}

// sessionAnswer says what a browser may do.
type sessionAnswer struct {
	// Auth is "keys", or "off" where nobody has to show one: then the rest is null, and Scopes are empty.
	Auth string `json:"auth"`
	// CSRFToken is null where the request came with a key.
	CSRFToken *string  `json:"csrf_token"`
	ExpiresAt *string  `json:"expires_at"`
	Account   *string  `json:"account"` // null for all
	Scopes    []string `json:"scopes"`
}

func describeSession(k *keys.Key, expiresMS int64, cookie string) (sessionAnswer, error) {
	reply := sessionAnswer{Auth: "keys", Scopes: k.Scopes.List()}
	if expiresMS != 0 {
		at := answer.TimeText(expiresMS)
		reply.ExpiresAt = &at
	}
	if !k.All {
		reply.Account = &k.Account
	}
	if cookie == "" {
		return reply, nil
	}
	token, err := tokenOf(cookie)
	reply.CSRFToken = &token
	return reply, err
}

// beginSession serves POST /v1/session.
func (d *Door) beginSession(c *gin.Context) error {
	p, err := d.gate.BodyParams(c, maxSessionBody)
	if err != nil {
		return err
	}
	secret := p.Required("key", `the key that the session is begun with: {"key":"kaskad_…"}`)
	if err := p.Err(); err != nil {
		return err
	}
	e, err := d.identify(c, credential{secret: secret}, answer.Signed)
	if err != nil {
		return err
	}
	k := e.key
	end, err := d.reading.begin(k.ID)
	if err != nil {
		return err
	}
	defer end()
	cookie, err := keys.NewSecret()
	if err != nil {
		return err
	}
	now := d.nowMS()
	s := keys.Session{Hash: keys.HashOf(cookie), KeyID: k.ID, MadeMS: now,
		ExpiresMS: now + sessionTime.Milliseconds()}
	if k.ExpiresMS != 0 {
		s.ExpiresMS = min(s.ExpiresMS, k.ExpiresMS)
	}
	if err := keys.StoreSession(c.Request.Context(), d.db.Conn, s, 0); err != nil {
		return err
	}
	d.ring.changed()
	reply, err := describeSession(k, s.ExpiresMS, cookie)
	if err != nil {
		return err
	}
	d.setCookie(c, cookie, int((s.ExpiresMS-now)/1000))
	d.noteUse(k)
	c.PureJSON(http.StatusOK, reply)
	return nil
}

func (d *Door) setCookie(c *gin.Context, value string, seconds int) {
	name := d.cookieName(c.Request)
	http.SetCookie(c.Writer, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: seconds, HttpOnly: true,
		Secure: name == hostCookie, SameSite: http.SameSiteStrictMode})
}

// entryOf returns what a request came with.
func entryOf(c *gin.Context) (*entry, error) {
	e, known := c.Value(entryKey).(*entry)
	if !known {
		return nil, errors.New("a route of sessions is not behind the door")
	}
	return e, nil
}

// session serves GET /v1/session: what the browser, or the key, may do.
func (d *Door) session(c *gin.Context) error {
	if err := answer.NoParams(c); err != nil {
		return err
	}
	e, err := entryOf(c)
	if err != nil {
		return err
	}
	expires, cookie := e.key.ExpiresMS, ""
	if e.session != nil {
		expires, cookie = e.session.ExpiresMS, e.cookie
	}
	reply, err := describeSession(e.key, expires, cookie)
	if err != nil {
		return err
	}
	c.PureJSON(http.StatusOK, reply)
	return nil
}

// noSession serves GET /v1/session where no key is asked for, so that a page knows without trying.
func (d *Door) noSession(c *gin.Context) error {
	if err := answer.NoParams(c); err != nil {
		return err
	}
	c.PureJSON(http.StatusOK, sessionAnswer{Auth: "off", Scopes: []string{}})
	return nil
}

// endSession serves DELETE /v1/session.
func (d *Door) endSession(c *gin.Context) error {
	if err := answer.NoParams(c); err != nil {
		return err
	}
	e, err := entryOf(c)
	if err != nil {
		return err
	}
	if e.session != nil {
		if err := keys.StoreSession(c.Request.Context(), d.db.Conn, *e.session, d.nowMS()); err != nil {
			return err
		}
		d.ring.changed()
	}
	d.setCookie(c, "", -1)
	c.Status(http.StatusNoContent)
	return nil
}
