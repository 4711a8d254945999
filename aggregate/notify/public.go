package notify

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"kaskad/schema/alert"
)

// errNotPublic says that a webhook leads where an account's own admin may not send anything.
var errNotPublic = errors.New("the webhook leads to an address that is not public: an admin key of all accounts may " +
	"put such a webhook")

// notPublic are the networks that lead to this machine, to the network that it stands in, or to nobody; addresses that
// hold an IPv4 address in them lead to that, so they are none either (RFC 6890, 8215, 3056, 4380).
var notPublic = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/4", "240.0.0.0/4",
	"::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
	"3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8")

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// isPublic tells whether an address leads to the internet.
func isPublic(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	if !address.IsValid() || !address.IsGlobalUnicast() || address.IsPrivate() {
		return false
	}
	for _, network := range notPublic {
		if network.Contains(address) {
			return false
		}
	}
	return true
}

// publicOnly refuses to connect to what is not public. It is asked with the address that is dialled, whatever a name
// meant when somebody looked before.
func publicOnly(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("webhook: address cannot be read: %w", err)
	}
	if !isPublic(to.Addr()) {
		return errNotPublic
	}
	return nil
}

// newClient returns a client of an account's webhook. It follows no redirect, and keeps no connection, so that every
// message is sent to an address that was looked at.
func newClient(w alert.Webhook) *http.Client {
	const handshake, header = 5 * time.Second, 10 * time.Second
	dialer := &net.Dialer{Timeout: handshake, Control: publicOnly}
	transport := &http.Transport{DisableKeepAlives: true, TLSHandshakeTimeout: handshake,
		ResponseHeaderTimeout: header, MaxResponseHeaderBytes: 16 << 10, ForceAttemptHTTP2: true}
	if w.Anywhere {
		dialer.Control = nil
		transport.Proxy = http.ProxyFromEnvironment // a proxy would connect for others wherever it likes
	}
	transport.DialContext = dialer.DialContext
	return &http.Client{Timeout: webhookTimeout, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
