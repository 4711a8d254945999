package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateAge is how often the files of the certificate are looked at, while somebody connects.
const certificateAge = time.Second

// scheme begins the address of the API.
func (s listenSettings) scheme() string {
	if s.TLSCert != "" {
		return "https://"
	}
	return "http://"
}

// tls returns how the API speaks TLS, nil where it does not.
func (s listenSettings) tls(logger *slog.Logger) (*tls.Config, error) {
	if s.TLSCert == "" {
		return nil, nil
	}
	c := &certificate{cert: s.TLSCert, key: s.TLSKey, logger: logger}
	if _, err := c.get(nil); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}, nil
}

// certificate is read again when one of its files has changed. It is safe for concurrent use.
type certificate struct {
	cert, key string
	logger    *slog.Logger

	mu     sync.Mutex
	loaded *tls.Certificate
	looked time.Time
	of     [2]time.Time // when the files were changed that it was read of
}

// get returns the newest one that can be read: who renews it may not have written both files yet.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loaded != nil && time.Since(c.looked) < certificateAge {
		return c.loaded, nil
	}
	c.looked = time.Now()
	changed, err := c.changed()
	if err == nil && c.loaded != nil && changed == c.of {
		return c.loaded, nil
	}
	var loaded tls.Certificate
	if err == nil {
		loaded, err = tls.LoadX509KeyPair(c.cert, c.key)
	}
	if err != nil {
		err = fmt.Errorf("--tls-cert, --tls-key: %w", err)
		if c.loaded == nil {
			return nil, err
		}
		c.logger.Warn("certificate cannot be read, and the one before is used", "error", err)
		return c.loaded, nil
	}
	c.loaded, c.of = &loaded, changed
	return c.loaded, nil
}

func (c *certificate) changed() (at [2]time.Time, err error) {
	for i, name := range []string{c.cert, c.key} {
		info, failed := os.Stat(name)
		if failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		at[i] = info.ModTime()
	}
	return at, err
}
