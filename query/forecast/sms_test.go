package forecast

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"kaskad/query/answer"
	"kaskad/query/querytest"
)

// smsBody is the body that asks for a text.
func smsBody(tb testing.TB, text string) string {
	tb.Helper()
	body, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		tb.Fatal(err)
	}
	return string(body)
}

// The vectors on which an independent implementation and a provider's own calculator agree, and what follows from each.
func TestForecasts_SMSSegments_Vectors(t *testing.T) {
	s := newRoom(nil)
	a := func(n int) string { return strings.Repeat("a", n) }
	cyr := func(n int) string { return strings.Repeat("ж", n) }
	emoji := func(n int) string { return strings.Repeat("\U0001F60E", n) }
	type vector struct {
		text, encoding  string
		units, segments int
	}
	vectors := []vector{
		{a(159) + "€", "GSM-7", 161, 2}, {a(158) + "€", "GSM-7", 160, 1},
		{strings.Repeat("{", 80), "GSM-7", 160, 1}, {strings.Repeat("{", 81), "GSM-7", 162, 2},
		{a(152) + "{" + a(153), "GSM-7", 307, 3}, {a(153) + "{" + a(151), "GSM-7", 306, 2},
		{strings.Repeat("[", 153), "GSM-7", 306, 3}, {strings.Repeat("[", 154), "GSM-7", 308, 3},
		{cyr(1000), "UCS-2", 1000, 15},
		{emoji(35), "UCS-2", 70, 1}, {emoji(36), "UCS-2", 72, 2}, {emoji(66), "UCS-2", 132, 2},
		{emoji(67), "UCS-2", 134, 3},
		{cyr(66) + emoji(1) + cyr(66), "UCS-2", 134, 3}, {cyr(67) + emoji(1) + cyr(65), "UCS-2", 134, 2},
		{a(159) + "е", "UCS-2", 160, 3}, {strings.Repeat("|", 69) + "∞", "UCS-2", 70, 1}, {"`", "UCS-2", 1, 1},
		{"", "GSM-7", 0, 1},
	}
	for i, n := range []int{160, 161, 306, 307, 459, 460} {
		vectors = append(vectors, vector{a(n), "GSM-7", n, []int{1, 2, 2, 3, 3, 4}[i]})
	}
	for i, n := range []int{70, 71, 134, 135, 201, 202} {
		vectors = append(vectors, vector{cyr(n), "UCS-2", n, []int{1, 2, 2, 3, 3, 4}[i]})
	}
	for _, v := range vectors {
		var reply struct {
			Encoding        string
			Units, Segments int
		}
		querytest.Decode(t, postJSON(s, "/v1/sms/segments", smsBody(t, v.text)), http.StatusOK, &reply)
		if reply.Encoding != v.encoding || reply.Units != v.units || reply.Segments != v.segments {
			t.Errorf("%.20q…: %+v, want %s %d %d", v.text, reply, v.encoding, v.units, v.segments)
		}
	}
}

func TestForecasts_SMSSegments_Answer(t *testing.T) {
	s := newRoom(nil)
	for body, want := range map[string]string{
		`{"text":"hi"}`: `{"encoding":"GSM-7","units":2,"segments":1,"per_segment":160,"over_by":0,"units_left":158,"forced_chars":0,
			"forced_by":[],"suggestion":null,"without_forced":null}`,
		// One typographic apostrophe makes three segments of one.
		`{"text":"` + strings.Repeat("a", 158) + `\u2019s"}`: `{"encoding":"UCS-2","units":160,"segments":3,"per_segment":67,"over_by":26,"units_left":41,"forced_chars":1,
			"forced_by":[{"char":"’","code":"U+2019","count":1,"first_at":159,"replacement":"'"}],
			"suggestion":{"text":"` + strings.Repeat("a", 158) + `'s","encoding":"GSM-7","units":160,"segments":1,"segments_saved":2},
			"without_forced":{"encoding":"GSM-7","units":159,"segments":1,"segments_saved":2}}`,
		// What is sent to a page must come back as it is: no escaping of < and &.
		`{"text":"1 < 2 & 3 «»"}`: `{"encoding":"UCS-2","units":12,"segments":1,"per_segment":70,"over_by":0,"units_left":58,"forced_chars":2,
			"forced_by":[{"char":"«","code":"U+00AB","count":1,"first_at":11,"replacement":"\""},{"char":"»","code":"U+00BB","count":1,"first_at":12,"replacement":"\""}],
			"suggestion":{"text":"1 < 2 & 3 \"\"","encoding":"GSM-7","units":12,"segments":1,"segments_saved":0},
			"without_forced":{"encoding":"GSM-7","units":10,"segments":1,"segments_saved":0}}`,
	} {
		var got, expected any
		w := postJSON(s, "/v1/sms/segments", body)
		querytest.Decode(t, w, http.StatusOK, &got)
		decoder := json.NewDecoder(strings.NewReader(want))
		decoder.UseNumber()
		if err := decoder.Decode(&expected); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, expected) {
			t.Errorf("%s: %s, want %s", body, w.Body, want)
		}
		if strings.Contains(body, "&") && !strings.Contains(w.Body.String(), `1 < 2 & 3 \"\"`) {
			t.Errorf("%s: escaped for HTML: %s", body, w.Body)
		}
	}
}

func TestForecasts_SMSSegments_Errors(t *testing.T) {
	s := newRoom(nil)
	path := "/v1/sms/segments"
	for _, c := range []struct {
		body, parameter, word string
	}{
		{`{}`, "text", "is required"},
		{`{"text":null}`, "text", "is required"},
		{`{"text":7}`, "text", "must be a string"},
		{`{"text":["a"]}`, "text", "must be a string"},
		{`{"text":"a","txt":"b"}`, "txt", "did you mean text?"},
		{`{"text":"a","text":"b"}`, "text", "more than once"},
		{`{"text":"` + strings.Repeat("я", 10_001) + `"}`, "text", "10000 characters"},
		{``, "", "JSON object"},
		{`"text"`, "", "JSON object"},
		{`[{"text":"a"}]`, "", "JSON object"},
		{`{"text":"a"`, "", "valid JSON"},
		{`{"text":"a"} {}`, "", "valid JSON"},
		{`{"text":"a"}x`, "", "valid JSON"},
		{"{\"text\":\"\xff\"}", "", "UTF-8"},
	} {
		w := postJSON(s, path, c.body)
		querytest.WantProblem(t, w, http.StatusBadRequest, c.parameter, c.word)
		var p answer.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || len(p.Errors) > 1 {
			t.Errorf("%.40s: %v %+v", c.body, err, p.Errors)
		}
	}
	querytest.WantProblem(t, postJSON(s, path+"?text=a", `{"text":"a"}`), http.StatusBadRequest, "text", "takes none")
	querytest.WantProblem(t, postJSON(s, path, `{"text":"`+strings.Repeat("a", maxSMSBody)+`"}`),
		http.StatusRequestEntityTooLarge, "", "256 KiB")
	querytest.WantProblem(t, postJSON(s, path, querytest.Gzip(t, `{"text":"`+strings.Repeat("a", maxSMSBody)+`"}`),
		"Content-Encoding",
		"gzip"), http.StatusRequestEntityTooLarge, "", "256 KiB")
	querytest.WantProblem(t, postJSON(s, path, `{"text":"a"}`, "Content-Type", "text/csv"),
		http.StatusUnsupportedMediaType, "",
		"application/json")

	// The longest text, with every character escaped as long as JSON can.
	var reply struct{ Units int }
	querytest.Decode(t, postJSON(s, path, `{"text":"`+strings.Repeat(`\ud83d\ude0e`, 10_000)+`"}`), http.StatusOK,
		&reply)
	if reply.Units != 20_000 {
		t.Errorf("the longest text has %d units", reply.Units)
	}
	for _, headers := range [][]string{{"Content-Type", "application/json; charset=utf-8"},
		{"Content-Type", "application/x-www-form-urlencoded"}, {"Content-Type", ""}} {
		if w := postJSON(s, path, `{"text":"a"}`, headers...); w.Code != http.StatusOK {
			t.Errorf("%v: %s", headers, w.Body)
		}
	}
}
