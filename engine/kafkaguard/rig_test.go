package kafkaguard

import (
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// rig is kfake behind a guard.
type rig struct {
	t       testing.TB
	cluster *kfake.Cluster
	addr    string
	guard   *listener
}

func newRig(t testing.TB, change func(c *Config)) *rig {
	t.Helper()
	r := &rig{t: t}
	config := Config{
		HasTopic: func(name string) bool { return name == "events" || name == "other" },
		Refuse:   func() error { return nil },
		Logger:   slog.New(slog.NewTextHandler(t.Output(), nil)),
		limits: limits{
			conns: maxConns, groups: maxGroups, producers: newProducers, held: maxHeld, first: firstWait,
			idle: idleWait, frame: frameWait, answer: answerWait,
			stallPatience: stallPatience, waitPatience: waitPatience,
		},
	}
	if change != nil {
		change(&config)
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(0), kfake.GroupMinSessionTimeout(time.Second),
		kfake.SeedTopics(3, "events"), kfake.SeedTopics(1, "other"),
		kfake.BrokerConfigs(map[string]string{"message.max.bytes": "33554432"}),
		kfake.ListenFn(func(network, address string) (net.Listener, error) {
			inner, err := net.Listen(network, address)
			if err != nil {
				return nil, err
			}
			r.guard = Wrap(inner, config).(*listener)
			return r.guard, nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	r.cluster, r.addr = cluster, cluster.ListenAddrs()[0]
	return r
}

func (r *rig) dial() net.Conn {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// ask sends a request and reads its answer.
func (r *rig) ask(conn net.Conn, request kmsg.Request) kmsg.Response {
	r.t.Helper()
	if _, err := conn.Write(frameOf(request, 7)); err != nil {
		r.t.Fatal(err)
	}
	return r.answer(conn, request)
}

func (r *rig) answer(conn net.Conn, request kmsg.Request) kmsg.Response {
	r.t.Helper()
	body, err := readAnswer(conn)
	if err != nil {
		r.t.Fatal(err)
	}
	response := request.ResponseKind()
	if err := response.ReadFrom(body[4:]); err != nil {
		r.t.Fatal(err)
	}
	return response
}

func readAnswer(conn net.Conn) ([]byte, error) {
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err := io.ReadFull(conn, body)
	return body, err
}

// alive fails the test when the broker does not answer a new client. A panic in
// kfake ends the test binary anyway.
func (r *rig) alive() {
	r.t.Helper()
	conn := r.dial()
	defer conn.Close()
	request := kmsg.NewPtrMetadataRequest()
	request.Version = 4
	if got := len(r.ask(conn, request).(*kmsg.MetadataResponse).Topics); got != 2 {
		r.t.Fatalf("%d topics, want 2", got)
	}
}

// closed waits until the other side ends the connection.
func (r *rig) closed(conn net.Conn) {
	r.t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if n, err := io.Copy(io.Discard, conn); err != nil || n > 0 {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			r.t.Fatal("the connection stays open")
		}
		if n > 0 {
			r.t.Fatalf("%d bytes of an answer, want the end of the connection", n)
		}
	}
}

// members are the ids of all members of the groups a and b.
func (r *rig) members() []string {
	var ids []string
	for _, name := range []string{"a", "b"} {
		group := r.cluster.GroupInfo(name)
		if group == nil {
			continue
		}
		for _, member := range group.Members {
			ids = append(ids, member.MemberID)
		}
	}
	slices.Sort(ids)
	return ids
}

// attack sends what a seed makes, over a few connections.
func (r *rig) attack(seed uint64, requests int) {
	r.t.Helper()
	a := absurd{Rand: rand.New(rand.NewPCG(seed, 1)), members: r.members}
	conns := make([]net.Conn, 3)
	for range requests {
		i := a.IntN(len(conns))
		if conns[i] == nil {
			conn, err := net.Dial("tcp", r.addr)
			if err != nil {
				r.t.Fatal(err)
			}
			go func() { _, _ = io.Copy(io.Discard, conn) }()
			conns[i] = conn
		}
		frame := frameOf(a.request(), int32(a.Uint32()))
		if a.IntN(20) == 0 { // and now and then what is not valid
			frame[4+a.IntN(len(frame)-4)] = byte(a.Uint32())
		}
		_ = conns[i].SetWriteDeadline(time.Now().Add(time.Second))
		if _, err := conns[i].Write(frame); err != nil || a.IntN(30) == 0 {
			_ = conns[i].Close()
			conns[i] = nil
		}
	}
	for _, conn := range conns {
		if conn != nil {
			time.Sleep(time.Millisecond) // the broker reads before it sees the end
			_ = conn.Close()
		}
	}
	r.alive()
}
