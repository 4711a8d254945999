package kafkaguard

import (
	"testing"
	"time"
)

// Valid requests of absurd contents, in all versions that are served.
func TestWrap_AbsurdRequests(t *testing.T) {
	r := newRig(t, nil)
	for seed := range uint64(60) {
		r.attack(seed, 100)
	}
}

// FuzzWrap_Requests looks for seeds that end kfake.
func FuzzWrap_Requests(f *testing.F) {
	f.Add(uint64(1), uint16(20))
	f.Fuzz(func(t *testing.T, seed uint64, requests uint16) {
		newRig(t, nil).attack(seed, int(requests%500))
	})
}

// FuzzWrap_Bytes sends what no client would.
func FuzzWrap_Bytes(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x0a\x01\xf4\x00\x00\x00\x00\x00\x01\xff\xff"))
	f.Add([]byte("\xff\xff\xff\xff"))
	for _, request := range allServed() {
		f.Add(frameOf(request, 1))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := newRig(t, nil)
		conn := r.dial()
		_, _ = conn.Write(data)
		time.Sleep(time.Millisecond)
		_ = conn.Close()
		r.alive()
	})
}
