package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kaskad/cmd/kaskad/datadir"
)

// writeCertificate makes a certificate for a name and leaves it, and its key, in two files.
func writeCertificate(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der},
		key: {Type: "PRIVATE KEY", Bytes: encoded}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// A renewed certificate is used without a restart, and one that cannot be read leaves the old one in use.
func TestCertificate_Get_Renewed(t *testing.T) {
	dir := t.TempDir()
	cert, key := writeCertificate(t, dir, "first.example")
	config, err := listenSettings{TLSCert: cert, TLSKey: key}.tls(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	name := func() string {
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", listener.Addr().String(),
			&tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	await := func(want string) {
		t.Helper()
		for began := time.Now(); name() != want; time.Sleep(50 * time.Millisecond) {
			if time.Since(began) > 30*time.Second {
				t.Fatalf("it is still %s", name())
			}
		}
	}
	await("first.example")
	if err := os.WriteFile(cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(certificateAge + 50*time.Millisecond)
	await("first.example")
	writeCertificate(t, dir, "second.example")
	await("second.example")
	for _, wrong := range []listenSettings{{TLSCert: cert, TLSKey: cert}, {TLSCert: filepath.Join(dir, "no"),
		TLSKey: key}} {
		if _, err := wrong.tls(slog.Default()); err == nil || !strings.Contains(err.Error(), "--tls-cert") {
			t.Errorf("%v", err)
		}
	}
	one := listenSettings{Listen: "127.0.0.1:0", Auth: authKeys, TLSCert: cert}
	if err := one.check(); err == nil || !strings.Contains(err.Error(), "go together") {
		t.Errorf("%v", err)
	}
}

// A server with TLS speaks it, says so to browsers, and gives them the cookie that goes over it alone.
func TestRun_Keys_TLS(t *testing.T) {
	k := newKaskad(t)
	cert, key := writeCertificate(t, t.TempDir(), "localhost")
	k.launch([]string{asKaskad + "=", "KASKAD_ADMIN_KEY=" + strings.Repeat("k", 40)}, []string{"run", "--data", k.dir,
		"--listen", k.address, "--log-level", "warn", "--tls-cert", cert, "--tls-key", key})
	pool := x509.NewCertPool()
	text, err := os.ReadFile(cert)
	if err != nil || !pool.AppendCertsFromPEM(text) {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool,
		ServerName: "localhost"}}, Timeout: time.Minute}
	var response *http.Response
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		if response, err = client.Post("https://"+k.address+"/v1/session", "application/json",
			strings.NewReader(`{"key":"`+strings.Repeat("k", 40)+`"}`)); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Since(began) > 2*time.Minute {
			t.Fatal(response, err)
		}
	}
	if h := response.Header; !strings.Contains(h.Get("Set-Cookie"), "__Host-kaskad=") ||
		!strings.Contains(h.Get("Set-Cookie"), "Secure") || h.Get("Strict-Transport-Security") == "" {
		t.Errorf("%v", h)
	}
	if _, err := os.Stat(filepath.Join(k.dir, datadir.AdminKeyFile)); err == nil {
		t.Error("a key was made although one is set")
	}
}

// The demo with keys makes one for each scope, and they do what it prints.
func TestDemo_Keys(t *testing.T) {
	k := newKaskad(t)
	k.launch([]string{asKaskad + "="}, []string{"demo", "--data", k.dir, "--listen", k.address, "--days", "1",
		"--messages", "500", "--auth", "keys", "--log-level", "warn"})
	text := ""
	for began := time.Now(); !strings.Contains(text, "/v1/keys'"); time.Sleep(100 * time.Millisecond) {
		if time.Since(began) > 5*time.Minute {
			t.Fatal("the demo is not done after five minutes")
		}
		select {
		case <-k.ended:
			t.Fatal("the demo ended by itself")
		default:
		}
		text = k.output.String()
	}
	made := map[string]string{}
	for _, line := range strings.Split(text, "\n") {
		if scope, key, found := strings.Cut(line, "key=kaskad_"); found {
			made[strings.TrimSpace(scope)] = "kaskad_" + key
		}
	}
	for scope, path := range map[string]string{"analyst": "/v1/reports/savings", "marketer": "/v1/reports/channels",
		"crm": "/v1/numbers/dead", "admin": "/v1/keys"} {
		if code, body := k.with(made[scope], http.MethodGet, path, ""); code != http.StatusOK {
			t.Errorf("%s: %d %s", scope, code, body)
		}
	}
	if code, _ := k.with(made["ingest"], http.MethodGet, "/v1/reports/channels", ""); code != http.StatusForbidden {
		t.Errorf("ingest reads: %d", code)
	}
}
