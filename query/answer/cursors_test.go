package answer

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"kaskad/schema"
)

// opened returns the key in a cursor of a query, "" when it does not open.
func opened(tb testing.TB, cursors *Cursors, text string, query []byte) string {
	tb.Helper()
	p := &Params{Values: url.Values{"cursor": {text}}}
	if at := cursors.Read(tb.Context(), p, query, 1); at != nil {
		return string(at.After[0])
	}
	if p.broken != nil {
		tb.Fatal(p.broken)
	}
	return ""
}

// A cursor tells nobody what is in it, and opens for its own query, unchanged, and nothing else.
func TestCursors_Seal_Tamper(t *testing.T) {
	cursors := NewCursors([]schema.CursorKey{{1}}, nil)
	query := QueryHash("numbers/dead", "acme")
	c := Cursor{Query: query, After: [][]byte{[]byte("+79161234567")}}
	sealed, err := cursors.Seal(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"79161234567", base64.StdEncoding.EncodeToString([]byte("+79161234567")), "acme"} {
		if bytes.Contains(raw, []byte(secret)) || strings.Contains(sealed, secret) {
			t.Errorf("%q is in the cursor", secret)
		}
	}
	if len(raw) > len(plain)+40 || url.QueryEscape(sealed) != sealed {
		t.Errorf("%d bytes of %d: %s", len(raw), len(plain), sealed)
	}
	if again, err := cursors.Seal(t.Context(), c); err != nil || again != sealed {
		t.Errorf("the same place has two cursors: %s, %s: %v", sealed, again, err)
	}
	if got := opened(t, cursors, sealed, query); got != "+79161234567" {
		t.Fatalf("%q", got)
	}
	altered := []string{"", "x", "!", sealed[1:], sealed[:len(sealed)-1], sealed + "A", sealed + "=", sealed + sealed,
		strings.ToLower(sealed),
		base64.RawURLEncoding.EncodeToString(plain), base64.RawURLEncoding.EncodeToString(raw[:5]),
		base64.RawURLEncoding.EncodeToString(raw[:17]),
		base64.RawURLEncoding.EncodeToString(append([]byte{1}, plain...))}
	for i := range raw {
		for bit := range 8 {
			flipped := bytes.Clone(raw)
			flipped[i] ^= 1 << bit
			altered = append(altered, base64.RawURLEncoding.EncodeToString(flipped))
		}
	}
	for _, text := range altered {
		p := &Params{Values: url.Values{"cursor": {text}}}
		if at := cursors.Read(t.Context(), p, query, 1); at != nil || p.broken != nil || len(p.Errs) != 1 ||
			!strings.Contains(p.Errs[0].Reason, "start again without a cursor") {
			t.Errorf("%q: %v, %v, %v", text, at, p.Errs, p.broken)
		}
	}
	for _, other := range [][]byte{QueryHash("numbers/dead", "beta"), QueryHash("audience", "acme"),
		QueryHash("numbers/deadacme"), nil, query[:31]} {
		if opened(t, cursors, sealed, other) != "" {
			t.Errorf("it opens for %x", other)
		}
	}
}

// A key that takes another's place opens cursors of both while both are set; one that is gone opens none.
func TestCursors_Seal_Rotation(t *testing.T) {
	with := func(keys ...schema.CursorKey) *Cursors { return NewCursors(keys, nil) }
	before, after := schema.CursorKey{1}, schema.CursorKey{2}
	query := QueryHash("x")
	sealed, err := with(before).Seal(t.Context(), Cursor{Query: query, After: [][]byte{[]byte("k")}})
	if err != nil {
		t.Fatal(err)
	}
	if opened(t, with(after, before), sealed, query) != "k" {
		t.Error("the old key is set and does not open")
	}
	if newer, err := with(after, before).Seal(t.Context(),
		Cursor{Query: query, After: [][]byte{[]byte("k")}}); err != nil || opened(t, with(after), newer, query) != "k" {
		t.Errorf("the first key does not seal: %v", err)
	}
	p := &Params{Values: url.Values{"cursor": {sealed}}}
	if with(after).Read(t.Context(), p, query, 1); len(p.Errs) != 1 ||
		!strings.Contains(p.Errs[0].Reason, "key is not in use: start again without a cursor") {
		t.Errorf("%v", p.Errs)
	}
}
