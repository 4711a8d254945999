package query

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/go-faster/jx"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/schema"
	"kaskad/schema/listfile"
)

// maxList is what a list of reference data may weigh, in bytes, before and after decompression. It bounds the memory of
// a request, which takes several times as much. As many rows as package money allows fit while they are short: 100 000
// templates may take 167 bytes each.
const maxList = 16 << 20

// listForms are the forms of a list of reference data, in the order of listForm.
var listForms = [...]string{"json", "yaml", "csv"}

type listForm int

const (
	listJSON listForm = iota
	listYAML
	listCSV
)

func (f listForm) contentType() string {
	return [...]string{"application/json", "application/yaml", "text/csv; charset=utf-8; header=present"}[f]
}

// referenceKind is a kind of reference data: lists that an account replaces as a whole. All kinds have the same three
// routes.
type referenceKind struct {
	// name is the kind in the table and the field that holds the rows; route is its part of the routes, the name itself
	// when it is empty.
	name, route string
	// read checks a list as a whole. It returns the rows as JSON, as they are stored, and their number;
	// listfile.RowErrors when rows are wrong.
	read func(form listForm, body []byte) (rows int, array []byte, err error)
	// write prints what GET shows in another form; nil when there is none but JSON.
	write func(form listForm, array []byte) ([]byte, error)
	// show returns what GET shows of the list that is stored; its version is 0 when there is none. Without it that is
	// the list.
	show func(list schema.Reference) ([]byte, error)
	// members are the fields of what GET shows where it has several lists; without them it is one list, in a field of
	// the kind's name.
	members []string
	// forAll tells that GET without an account shows what holds for an account without a list.
	forAll bool
	// setting is a text beside the rows, "" for none; settingOf reads it from a body, and join and split put it
	// together with the rows for storing.
	setting   string
	settingOf func(form listForm, body []byte) (string, error)
	join      func(array []byte, setting string) []byte
	split     func(stored []byte) (array []byte, setting string, err error)
	// limit is what a body may weigh, maxList when it is 0.
	limit int64
	// verdicts tells that the list decides verdicts on numbers, which are asked for anew when it has changed.
	verdicts bool
}

// path is the route of the kind.
func (k referenceKind) path() string { return "/v1/" + cmp.Or(k.route, k.name) }

// newReferenceKind makes a kind from what reads and prints its lists in each form. {"name": array} is the JSON form.
func newReferenceKind[T any](name string, read [len(listForms)]func([]byte) ([]T, error),
	write [len(listForms)]func([]T) ([]byte, error)) referenceKind {
	return referenceKind{
		name: name,
		read: func(form listForm, body []byte) (int, []byte, error) {
			if form == listJSON {
				body = withoutEnvelope(body, name)
			}
			list, err := read[form](body)
			if err != nil {
				return 0, nil, err
			}
			if list == nil {
				list = []T{} // null is no array
			}
			array, err := json.Marshal(list)
			if err != nil {
				return 0, nil, fmt.Errorf("print %s: %w", name, err)
			}
			return len(list), array, nil
		},
		write: func(form listForm, array []byte) ([]byte, error) {
			list, err := read[listJSON](slices.Concat([]byte(`{"`+name+`":`), array, []byte("}")))
			if err != nil {
				return nil, fmt.Errorf("read stored %s: %w", name, err)
			}
			return write[form](list)
		},
	}
}

// withoutEnvelope lets a caller send back what GET gave: the fields beside the rows are left out, and the rows stay on
// their lines. Any other body is returned as it is, for its reader to judge.
func withoutEnvelope(body []byte, name string) []byte {
	d := json.NewDecoder(bytes.NewReader(body))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return body
	}
	var rows json.RawMessage
	line := 0
	for d.More() {
		field, err := d.Token()
		var member json.RawMessage
		if err != nil || d.Decode(&member) != nil {
			return body
		}
		switch {
		case field == name && rows == nil:
			rows = member
			line = bytes.Count(body[:d.InputOffset()-int64(len(member))], []byte{'\n'})
		case field != "account" && field != "version" && field != "at" && field != money.BillingZoneField:
			return body
		}
	}
	if _, err := d.Token(); err != nil || rows == nil {
		return body
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return body
	}
	return slices.Concat([]byte("{"), bytes.Repeat([]byte{'\n'}, line), []byte(`"`+name+`":`), rows, []byte("}"))
}

// kindRoutes are the routes of a kind.
func (s *Server) kindRoutes(kind referenceKind, try string) []answer.Route {
	path := kind.path()
	return []answer.Route{
		answer.Get(path, func(c *gin.Context) error { return s.getReference(c, kind) }, try),
		answer.Get(path+"/versions", func(c *gin.Context) error { return s.referenceVersions(c, kind) }),
		{Method: http.MethodPut, Path: path, Serve: func(c *gin.Context) error { return s.putReference(c, kind) }},
	}
}

// accountParam reads the account whose list is meant.
func accountParam(p *answer.Params, kind referenceKind) string {
	account := p.Required("account", kind.name+" belong to an account; say whose: account=…")
	if _, given := p.Values["account"]; given {
		p.CheckAccount(account)
	}
	return account
}

// versionParam reads a version of a list.
func versionParam(p *answer.Params, name string) (version uint64, given bool) {
	text, given := p.One(name)
	if !given {
		return 0, false
	}
	// The database counts up to 2^64, but a condition is passed to it as a signed number.
	version, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		p.Fail(name, fmt.Sprintf("%q is not the number of a version", answer.Shorten(text)))
	}
	return version, true
}

// putReference serves PUT /v1/{kind}: the list replaces the account's as a whole, or nothing changes.
func (s *Server) putReference(c *gin.Context, kind referenceKind) error {
	known := []string{"account", "if_version"}
	if kind.setting != "" {
		known = append(known, kind.setting)
	}
	p, err := answer.ReadParams(c.Request, known)
	if err != nil {
		return err
	}
	account := accountParam(p, kind)
	given, _ := p.One(kind.setting)
	if kind.setting != "" && given != "" {
		if _, err := money.BillingZone(given); err != nil {
			p.Fail(kind.setting, err.Error())
		}
	}
	current, conditional := versionParam(p, "if_version")
	if tag := c.GetHeader("If-Match"); tag != "" && !conditional {
		conditional = true
		if current, err = strconv.ParseUint(strings.Trim(tag, `"`), 10, 63); err != nil {
			p.Fail("If-Match", fmt.Sprintf("%q is no version: send the ETag of the GET as it is", answer.Shorten(tag)))
		}
	}
	if err := p.Err(); err != nil {
		return err
	}
	form, err := formOfBody(c.Request)
	if err == nil && form != listJSON && kind.write == nil {
		err = answer.NewProblem(http.StatusUnsupportedMediaType, "unsupported-content-type",
			"send application/json; "+kind.name+" have no other form")
	}
	if err != nil {
		return err
	}
	limit := cmp.Or(kind.limit, maxList)
	body, memory, err := s.gate.Receive(c, limit,
		"the list is larger than "+answer.ByteSize(limit)+" (unpacked): leave out rows that no message needs, or "+
			"send it as "+
			"CSV, whose rows are shorter")
	if err != nil {
		return err
	}
	defer memory.Release()
	rows, array, err := s.readList(c, kind, form, body, given)
	if err != nil {
		return listProblem(c, kind, form, err)
	}
	// The list is whole and right: from here on it does not matter whether the caller still waits.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), s.db.QueryTime)
	defer cancel()
	version, err := s.storeReference(ctx, c, kind, account, rows, array, current, conditional)
	if errors.Is(err, schema.ErrReferenceChanged) {
		return answer.NewProblem(http.StatusPreconditionFailed, "version-conflict",
			fmt.Sprintf("the %s of this account are not at version %d any more, nothing was changed: "+
				"GET them, make your change to that version and send it again", kind.name, current)).Because(err)
	}
	if err != nil {
		return err
	}
	if kind.verdicts {
		if _, err := schema.AskVerdicts(ctx, s.db.Conn, account, nil, s.db.Now()); err != nil {
			return answer.NewProblem(http.StatusServiceUnavailable, "not-applied",
				fmt.Sprintf("version %d of %s is stored, but verdicts on numbers are not decided anew by it: "+
					"send it once more", version, kind.name)).Because(err)
		}
	}
	c.Header("ETag", etag(version))
	c.PureJSON(http.StatusOK, struct {
		Account string `json:"account"`
		Version uint64 `json:"version"`
		Rows    int    `json:"rows"`
	}{account, version, rows})
	return nil
}

// readList reads a list in its turn, and puts the setting beside the rows: what the body says, else what the parameter
// did.
func (s *Server) readList(c *gin.Context, kind referenceKind, form listForm, body []byte, given string) (rows int,
	array []byte, err error) {
	release, err := s.gate.Unpacking.Take(c.Request.Context())
	if err != nil {
		return 0, nil, err
	}
	defer release()
	if rows, array, err = kind.read(form, body); err != nil || kind.setting == "" {
		return rows, array, err
	}
	setting, err := kind.settingOf(form, body)
	if err != nil {
		return 0, nil, err
	}
	return rows, kind.join(array, cmp.Or(setting, given)), nil
}

// storeReference inserts a version. One at a time: writers of one process need not find out from the database that
// there are several.
func (s *Server) storeReference(ctx context.Context, c *gin.Context, kind referenceKind, account string, rows int,
	array []byte, current uint64, conditional bool) (uint64, error) {
	s.putting.Lock()
	defer s.putting.Unlock()
	if conditional {
		return schema.InsertReferenceIf(ctx, s.db.Conn, kind.name, account, s.gate.Author(c), rows, array, s.db.Now(),
			current)
	}
	return schema.InsertReference(ctx, s.db.Conn, kind.name, account, s.gate.Author(c), rows, array, s.db.Now())
}

func etag(version uint64) string { return `"` + strconv.FormatUint(version, 10) + `"` }

// formOfBody reads Content-Type. What tools send when nobody said anything is taken for JSON.
func formOfBody(r *http.Request) (listForm, error) {
	given := r.Header.Get("Content-Type")
	media, _, err := mime.ParseMediaType(given)
	if given == "" {
		return listJSON, nil
	}
	if err == nil {
		switch media {
		case "application/json", "text/json", "text/plain", "application/x-www-form-urlencoded",
			"application/octet-stream":
			return listJSON, nil
		}
		if form, ok := formOf(media); ok {
			return form, nil
		}
	}
	return listJSON, answer.NewProblem(http.StatusUnsupportedMediaType, "unsupported-content-type",
		fmt.Sprintf("content type %q is not known; send application/json, application/yaml or text/csv",
			answer.Shorten(given)))
}

func formOf(media string) (listForm, bool) {
	switch media {
	case "application/json":
		return listJSON, true
	case "application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml":
		return listYAML, true
	case "text/csv":
		return listCSV, true
	}
	return listJSON, false
}

// rowProblem says what is wrong with a row of a list. Row and Line count from 1; 0 is left out.
type rowProblem struct {
	answer.ParameterError
	Row  int `json:"row,omitempty"`
	Line int `json:"line,omitempty"`
}

// listProblem answers with everything that is wrong with a list: 422 for its rows, 400 for a body that cannot be read
// as rows.
func listProblem(c *gin.Context, kind referenceKind, form listForm, err error) error {
	var rows listfile.RowErrors
	if reply := (*answer.Problem)(nil); errors.As(err, &reply) {
		return reply
	}
	if !errors.As(err, &rows) {
		return fmt.Errorf("read %s: %w", kind.name, err)
	}
	p := answer.NewProblem(http.StatusBadRequest, "bad-body", "")
	wrong, details := make([]rowProblem, len(rows)), make([]string, len(rows))
	for i, r := range rows {
		details[i] = r.Error()
		if r.Field == "" {
			r.Field = kind.name
		}
		wrong[i] = rowProblem{answer.ParameterError{Parameter: r.Field, Reason: r.Reason}, r.Row, r.Line}
		if r.Row > 0 {
			p = answer.NewProblem(http.StatusUnprocessableEntity, "bad-rows", "")
		}
	}
	const shown = 5
	p.Detail = "nothing was changed: " + strings.Join(details[:min(len(details), shown)], "; ")
	if more := len(details) - shown; more > 0 {
		p.Detail += fmt.Sprintf("; and %d more, see errors", more)
	}
	if p.Status == http.StatusBadRequest {
		p.Detail += formHint(c.Request, form)
	}
	p.SendWith(c, struct {
		*answer.Problem
		Errors []rowProblem `json:"errors"`
	}{p, wrong})
	return nil
}

// formHint helps who sent a file without saying what it is.
func formHint(r *http.Request, form listForm) string {
	if form != listJSON || r.Header.Get("Content-Type") == "application/json" {
		return ""
	}
	return " (the body was taken for JSON; send Content-Type: application/yaml or text/csv if it is not)"
}

// getReference serves GET /v1/{kind}: the account's list, now or as it was at a version.
func (s *Server) getReference(c *gin.Context, kind referenceKind) error {
	p, err := answer.ReadParams(c.Request, []string{"account", "version", "format", "bom"})
	if err != nil {
		return err
	}
	var account string
	if kind.forAll {
		var given bool
		if account, given = p.One("account"); given {
			p.CheckAccount(account)
		}
	} else {
		account = accountParam(p, kind)
	}
	version, _ := versionParam(p, "version")
	form := listJSON
	if kind.write != nil {
		form = listFormOf(p, c.Request)
	} else if name, given := p.One("format"); given && name != "json" {
		p.Fail("format", fmt.Sprintf("%q is no format of %s; it must be json", answer.Shorten(name), kind.name))
	}
	marked := p.BOM(form == listCSV)
	if err := p.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.db.QueryTime)
	defer cancel()
	list, found, err := schema.ReadReference(s.db.Settings(ctx), s.db.Conn, kind.name, account, version)
	if err != nil {
		return err
	}
	at := answer.Null
	if !found {
		list.Body = []byte("[]")
	} else {
		at = answer.Instant(list.AtMS)
	}
	setting := ""
	if kind.setting != "" {
		if list.Body, setting, err = kind.split(list.Body); err != nil {
			return fmt.Errorf("show %s: %w", kind.name, err)
		}
	}
	if kind.show != nil {
		if list.Body, err = kind.show(list); err != nil {
			return fmt.Errorf("show %s: %w", kind.name, err)
		}
	}
	c.Header("ETag", etag(list.Version))
	if form != listJSON {
		body, err := kind.write(form, list.Body)
		if err != nil {
			return err
		}
		if form == listYAML && setting != "" {
			body = slices.Concat([]byte(kind.setting+": "+setting+"\n"), body)
		}
		if marked {
			body = slices.Concat([]byte(answer.ByteOrderMark), body)
		}
		c.Header("Kaskad-Version", strconv.FormatUint(list.Version, 10))
		if found {
			c.Header("Kaskad-At", at.Plain())
		}
		c.Data(http.StatusOK, form.contentType(), body)
		return nil
	}
	var out jx.Encoder
	out.ObjStart()
	out.FieldStart("account")
	if account == "" {
		answer.Null.Encode(&out)
	} else {
		answer.Text(account).Encode(&out)
	}
	out.FieldStart("version")
	answer.Count(list.Version).Encode(&out)
	out.FieldStart("at")
	at.Encode(&out)
	if kind.setting != "" {
		out.FieldStart(kind.setting)
		answer.Text(cmp.Or(setting, "UTC")).Encode(&out)
	}
	if err := kind.lists(&out, list.Body); err != nil {
		return err
	}
	out.ObjEnd()
	c.Data(http.StatusOK, form.contentType(), out.Bytes())
	return nil
}

// lists writes what GET shows as fields of its answer.
func (k referenceKind) lists(out *jx.Encoder, shown []byte) error {
	if k.members == nil {
		out.FieldStart(k.name)
		out.Raw(shown)
		return nil
	}
	var lists map[string]json.RawMessage
	if err := json.Unmarshal(shown, &lists); err != nil {
		return fmt.Errorf("show %s: %w", k.name, err)
	}
	for _, name := range k.members {
		out.FieldStart(name)
		out.Raw(lists[name])
	}
	return nil
}

// listFormOf reads parameter format, else the header Accept; JSON is the default.
func listFormOf(p *answer.Params, r *http.Request) listForm {
	if name, given := p.One("format"); given {
		if i := slices.Index(listForms[:], name); i >= 0 {
			return listForm(i)
		}
		p.Fail("format", fmt.Sprintf("%q is no format; it must be one of %s", answer.Shorten(name),
			strings.Join(listForms[:], " ")))
	}
	for _, accepted := range strings.Split(strings.Join(r.Header.Values("Accept"), ","), ",") {
		if media, _, err := mime.ParseMediaType(accepted); err == nil {
			if form, ok := formOf(media); ok {
				return form
			}
		}
	}
	return listJSON
}

// referenceVersions serves GET /v1/{kind}/versions: who replaced the account's list and when, newest first.
func (s *Server) referenceVersions(c *gin.Context, kind referenceKind) error {
	p, err := answer.ReadParams(c.Request, []string{"account", "limit", "cursor", "format", "bom"})
	if err != nil {
		return err
	}
	account, limit, format := accountParam(p, kind), p.Limit(), p.Format(c.Request)
	hash := answer.QueryHash(kind.name, "versions", account)
	before := uint64(0)
	if at := s.db.Cursors.Read(c.Request.Context(), p, hash, 1); at != nil {
		if before, err = strconv.ParseUint(string(at.After[0]), 10, 64); err != nil {
			p.Fail("cursor", "cannot be read: start again without a cursor")
		}
	}
	if err := p.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.db.QueryTime)
	defer cancel()
	versions, err := schema.ReferenceHistory(s.db.Settings(ctx), s.db.Conn, kind.name, account, before, limit+1)
	if err != nil {
		return err
	}
	var next *answer.Cursor
	if len(versions) > limit {
		versions = versions[:limit]
		next = &answer.Cursor{Query: hash, After: [][]byte{strconv.AppendUint(nil, versions[limit-1].Version, 10)}}
	}
	t := answer.NewTable(format, []string{"version", "at", "by", "rows"})
	for _, v := range versions {
		t.Add([]answer.Value{answer.Count(v.Version), answer.Instant(v.AtMS), answer.Text(v.By),
			answer.Count(uint64(v.Rows))})
	}
	return t.SendPage(c, []answer.Member{{Name: "account", Value: answer.Text(account)}}, s.db.Cursors, next)
}
