package lists

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/go-faster/jx"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/schema"
	"kaskad/schema/listfile"
)

// listToPut is a list that is whole and right.
type listToPut struct {
	account string
	rows    int
	// body is what is stored of it.
	body []byte
	// current is the version that it is to replace and no other, if it is conditional.
	current     uint64
	conditional bool
	// why is what who puts it says of it.
	why string
}

// maxWhy is how long that may be, in bytes.
const maxWhy = 1000

// putReference serves PUT /v1/{kind}: the list replaces the account's as a whole, or nothing changes.
func (l *Lists) putReference(c *gin.Context, kind referenceKind) error {
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	put, dry := listToPut{account: accountParam(p, kind), why: whyParam(p)}, dryRunParam(p)
	given, _ := p.One(kind.setting)
	if kind.setting != "" && given != "" {
		if _, err := money.BillingZone(given); err != nil {
			p.Fail(kind.setting, err.Error())
		}
	}
	if put.current, put.conditional = versionParam(p, "if_version"); !put.conditional {
		put.current, put.conditional = p.IfMatch(c.Request)
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
	body, memory, err := l.gate.Receive(c, limit,
		"the list is larger than "+answer.ByteSize(limit)+" (unpacked): leave out rows that no message needs, or "+
			"send it as "+
			"CSV, whose rows are shorter")
	if err != nil {
		return err
	}
	defer memory.Release()
	if form == listJSON && !ownBody(answer.CallerOf(c.Request.Context()), body) {
		return answer.ForeignAccount()
	}
	if put.rows, put.body, err = l.readList(c, kind, form, body, given); err != nil {
		return listProblem(c, kind, form, err)
	}
	if kind.complete != nil {
		if put.body, err = l.complete(c, kind, put); err != nil {
			return listProblem(c, kind, form, err)
		}
	}
	if dry {
		return l.dryRun(c, kind, put)
	}
	return l.store(c, kind, put)
}

// complete completes a list by the one that it is to replace.
func (l *Lists) complete(c *gin.Context, kind referenceKind, put listToPut) ([]byte, error) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), l.db.QueryTime)
	defer cancel()
	before, _, err := schema.ReadReference(l.db.Settings(ctx), l.db.Conn, kind.name, put.account, 0)
	if err != nil {
		return nil, err
	}
	return kind.complete(answer.CallerOf(ctx), before, put.body)
}

// store puts a list, and answers.
func (l *Lists) store(c *gin.Context, kind referenceKind, put listToPut) error {
	// The list is whole and right: from here on it does not matter whether the caller still waits.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), l.db.QueryTime)
	defer cancel()
	version, err := l.storeReference(ctx, c, kind, put)
	if errors.Is(err, schema.ErrVersionChanged) {
		return versionConflict(kind, put.current).Because(err)
	}
	if err != nil {
		return err
	}
	if kind.verdicts {
		if _, err := schema.AskVerdicts(ctx, l.db.Conn, put.account, nil, l.db.Now()); err != nil {
			return answer.NewProblem(http.StatusServiceUnavailable, "not-applied",
				fmt.Sprintf("version %d of %s is stored, but verdicts on numbers are not decided anew by it: "+
					"send it once more", version, kind.name)).Because(err)
		}
	}
	c.Header("ETag", answer.VersionTag(version))
	c.PureJSON(http.StatusOK, stored{put.account, version, put.rows})
	return nil
}

// versionConflict is the answer to who puts a list by a version that is not the newest any more.
func versionConflict(kind referenceKind, current uint64) *answer.Problem {
	return answer.NewProblem(http.StatusPreconditionFailed, "version-conflict",
		fmt.Sprintf("the %s of this account are not at version %d any more, nothing was changed: "+
			"GET them, make your change to that version and send it again", kind.name, current))
}

// ownBody tells whether a list in JSON, as GET gives it, is of an account of the caller's. What is no such list is for
// its reader to judge.
func ownBody(caller *answer.Caller, body []byte) bool {
	if caller.All {
		return true
	}
	own := true
	_ = jx.DecodeBytes(body).Obj(func(d *jx.Decoder, name string) error {
		if name != "account" || d.Next() != jx.String {
			return d.Skip()
		}
		account, err := d.Str()
		own = own && caller.May(account)
		return err
	})
	return own
}

// readList reads a list in its turn, and puts the setting beside the rows: what the body says, else what the parameter
// did.
func (l *Lists) readList(c *gin.Context, kind referenceKind, form listForm, body []byte, given string) (rows int,
	array []byte, err error) {
	release, err := l.gate.Unpacking.Take(c.Request.Context())
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
func (l *Lists) storeReference(ctx context.Context, c *gin.Context, kind referenceKind, put listToPut) (uint64,
	error) {
	l.putting.Lock()
	defer l.putting.Unlock()
	ifVersion := int64(schema.AnyVersion)
	if put.conditional {
		ifVersion = int64(put.current)
	}
	return schema.StoreReference(ctx, l.db.Conn, kind.name, schema.Reference{Account: put.account,
		By: l.gate.Author(c), Rows: put.rows, Body: put.body, Why: put.why, AtMS: l.db.Now().UnixMilli()}, ifVersion)
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
