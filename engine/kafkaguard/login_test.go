package kafkaguard

import (
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func loginRig(t *testing.T, passwords ...string) (*rig, *Logins) {
	t.Helper()
	logins := &Logins{}
	logins.Set(hashesOf(passwords...))
	return newRig(t, func(c *Config) { c.Logins = logins }), logins
}

func hashesOf(passwords ...string) (hashes [][sha256.Size]byte) {
	for _, p := range passwords {
		hashes = append(hashes, sha256.Sum256([]byte(p)))
	}
	return hashes
}

// Without a login, or with a wrong one, there is no metadata and no data; with a good one everything is as ever.
func TestGuard_Login_Clients(t *testing.T) {
	r, _ := loginRig(t, "first", "second")
	wrong, err := scram.Mechanism(scram.SHA256, "kaskad", "first")
	if err != nil {
		t.Fatal(err)
	}
	for name, dialer := range map[string]*kafka.Dialer{
		"none":      {Timeout: 5 * time.Second},
		"wrong":     {Timeout: 5 * time.Second, SASLMechanism: plain.Mechanism{Username: "kaskad", Password: "firs"}},
		"empty":     {Timeout: 5 * time.Second, SASLMechanism: plain.Mechanism{}},
		"mechanism": {Timeout: 5 * time.Second, SASLMechanism: wrong},
	} {
		conn, err := dialer.DialContext(t.Context(), "tcp", r.addr)
		if err == nil {
			_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
			if partitions, err := conn.ReadPartitions("events"); err == nil {
				t.Errorf("%s: %v", name, partitions)
			}
			_ = conn.Close()
		} else if name == "none" {
			t.Error(err)
		}
	}
	for _, password := range []string{"first", "second"} {
		dialer := &kafka.Dialer{Timeout: 10 * time.Second,
			SASLMechanism: plain.Mechanism{Username: "anybody", Password: password}}
		conn, err := dialer.DialLeader(t.Context(), "tcp", r.addr, "events", 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.WriteMessages(kafka.Message{Value: []byte("x")}); err != nil {
			t.Error(err)
		}
		_ = conn.Close()
	}
}

// Every request but those of a login ends the connection that comes before one.
func TestGuard_Login_EveryRequest(t *testing.T) {
	r, _ := loginRig(t, "first")
	for key, versions := range served(true) {
		request := kmsg.RequestForKey(key)
		request.SetVersion(versions.max)
		conn := r.dial()
		if _, err := conn.Write(frameOf(request, 1)); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, err := io.ReadFull(conn, make([]byte, 8))
		switch key {
		case int16(kmsg.ApiVersions), int16(kmsg.SASLHandshake), int16(kmsg.SASLAuthenticate):
			if err != nil {
				t.Errorf("%s: %v", kmsg.NameForKey(key), err)
			}
		default:
			var timeout net.Error
			if err == nil || errors.As(err, &timeout) && timeout.Timeout() {
				t.Errorf("%s is served before a login: %v", kmsg.NameForKey(key), err)
			}
		}
		_ = conn.Close()
	}
}

// Who may not be there any more is put out, also while nothing is asked.
func TestGuard_Login_Revoked(t *testing.T) {
	r, logins := loginRig(t, "first", "second")
	in := func(password string) net.Conn {
		conn := r.dial()
		shake := kmsg.NewPtrSASLHandshakeRequest()
		shake.Version, shake.Mechanism = 1, "PLAIN"
		r.ask(conn, shake)
		login := kmsg.NewPtrSASLAuthenticateRequest()
		login.SASLAuthBytes = []byte("\x00anybody\x00" + password)
		reply := r.ask(conn, login).(*kmsg.SASLAuthenticateResponse)
		if want := int16(0); reply.ErrorCode != want && password != "third" {
			t.Fatalf("%s: %v", password, kerr.ErrorForCode(reply.ErrorCode))
		}
		return conn
	}
	first, second := in("first"), in("second")
	_ = in("third")
	logins.Set(hashesOf("second"))
	_ = first.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := first.Read(make([]byte, 1)); err == nil {
		t.Error("the one who was put out reads")
	} else if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		t.Error("the connection goes on")
	}
	metadata := kmsg.NewPtrMetadataRequest()
	metadata.Version = 8
	if reply := r.ask(second, metadata).(*kmsg.MetadataResponse); len(reply.Topics) == 0 {
		t.Errorf("%+v", reply)
	}
}
