package schema

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
)

// FuzzWords splits the input into texts and puts them into one block after the other: each row is what was put there,
// and what ClickHouse's driver reads of any range.
func FuzzWords(f *testing.F) {
	f.Add([]byte("a,b,,a,campaign-01,campaign-02;a,campaign-02,,"), uint8(0), uint8(3))
	f.Add([]byte(";,;x"), uint8(1), uint8(0))
	f.Fuzz(func(t *testing.T, input []byte, lo, hi uint8) {
		var w words
		for part := range bytes.SplitSeq(input, []byte{';'}) {
			w.reset()
			var want []string
			for text := range bytes.SplitSeq(part, []byte{','}) {
				mine := bytes.Clone(text)
				w.append(mine)
				want = append(want, string(text))
				for i := range mine {
					mine[i] = '!' // whose memory is used for other things by then
				}
			}
			first := min(int(lo), len(want)-1)
			checkWords(t, &w, want, first, max(first+1, min(int(hi), len(want))))
			checkWords(t, &w, want, 0, len(want))
		}
	})
}

// Keys have one, two or four bytes, as texts are many, and a text is found again beyond what is remembered.
func TestWords_Many(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var w words
	for _, n := range []int{200, 255, 256, 300, maxWords + 100, 1<<16 - 1, 1 << 16, 1 << 17, 3} {
		w.reset()
		var want []string
		for i := range n {
			want = append(want, fmt.Sprint("text ", i), fmt.Sprint("text ", random.IntN(n)), "")
		}
		for _, text := range want {
			w.appendString(text)
		}
		checkWords(t, &w, want, 0, len(want))
		checkWords(t, &w, want, len(want)/3, len(want)/2)
	}
	if len(w.known) > maxWords {
		t.Errorf("%d texts are remembered, want at most %d", len(w.known), maxWords)
	}
}

func checkWords(t *testing.T, w *words, want []string, lo, hi int) {
	t.Helper()
	for i, text := range want {
		if got := w.at(i); got != text {
			t.Fatalf("row %d is %q, want %q", i, got, text)
		}
	}
	read, err := column.Type("LowCardinality(String)").Column("c", &column.ServerContext{})
	if err != nil {
		t.Fatal(err)
	}
	var in inserter
	if err := in.fill(read, w.between(lo, hi)); err != nil {
		t.Fatal(err)
	}
	// Twice: what is sent is what the driver makes of it.
	var sent proto.Buffer
	read.Encode(&sent)
	again, err := column.Type("LowCardinality(String)").Column("c", &column.ServerContext{})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Decode(proto.NewReader(bytes.NewReader(sent.Buf)), hi-lo); err != nil {
		t.Fatal(err)
	}
	if read.Rows() != hi-lo || again.Rows() != hi-lo {
		t.Fatalf("%d and %d rows, want %d", read.Rows(), again.Rows(), hi-lo)
	}
	plain := w.between(lo, hi).strings()
	for i := range hi - lo {
		if got := again.Row(i, false); got != want[lo+i] || read.Row(i, false) != want[lo+i] || plain[i] != want[lo+i] {
			t.Fatalf("row %d reads %q, %q, %q, want %q", lo+i, read.Row(i, false), got, plain[i], want[lo+i])
		}
	}
}
