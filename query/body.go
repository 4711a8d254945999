package query

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"github.com/go-faster/jx"
)

// bodyField is a field of a small JSON body. number tells that a JSON number is taken too, by its digits, so that no
// float comes between the caller and an exact figure.
type bodyField struct {
	name   string
	number bool
}

// BodyParams reads the body of a route that takes no other parameters.
func (g *Gate) BodyParams(c *gin.Context, limit int64, fields []bodyField) (*params, error) {
	if err := noParams(c); err != nil {
		return nil, err
	}
	return g.ReadFields(c, limit, fields)
}

// ReadFields reads a body of at most limit bytes: one flat JSON object of texts and numbers. What is wrong with its
// fields is collected as that of a query string is; null is missing. No error holds a value, for it may be the text of
// a message.
func (g *Gate) ReadFields(c *gin.Context, limit int64, fields []bodyField) (*params, error) {
	if err := checkJSON(c.Request); err != nil {
		return nil, err
	}
	body, memory, err := g.Receive(c, limit, fmt.Sprintf("the body is larger than %d KiB", limit>>10))
	if err != nil {
		return nil, err
	}
	defer memory.release()
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	p := &params{values: url.Values{}}
	d := jx.DecodeBytes(body)
	if !utf8.Valid(body) || d.Next() != jx.Object {
		return nil, problem(http.StatusBadRequest, "bad-body", "the body must be a JSON object in UTF-8")
	}
	err = d.Obj(func(d *jx.Decoder, name string) error {
		i := slices.Index(names, name)
		if i < 0 {
			p.unknown(name, "is unknown here; ", names)
			return d.Skip()
		}
		switch kind := d.Next(); {
		case kind == jx.Null:
			return d.Null()
		case kind == jx.String:
			value, err := d.Str()
			p.values[name] = append(p.values[name], value)
			return err
		case kind == jx.Number && fields[i].number:
			value, err := d.Num()
			p.values[name] = append(p.values[name], value.String())
			return err
		case fields[i].number:
			p.fail(name, "must be a decimal, as a string or a number")
		default:
			p.fail(name, "must be a string")
		}
		return d.Skip()
	})
	if err == nil {
		// At the end of the input Skip finds no byte.
		if err = d.Skip(); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = nil
		} else {
			err = errors.New("something follows the object")
		}
	}
	if err != nil {
		return nil, problem(http.StatusBadRequest, "bad-body", "the body is not one valid JSON object: "+err.Error())
	}
	return p, nil
}

// required returns the value of a parameter that must be given once; hint shows how. It tells of a parameter that is
// wrong already no second time.
func (p *params) required(name, hint string) string {
	value, given := p.one(name)
	if !given && !p.failed(name) {
		p.fail(name, "is required: "+hint)
	}
	return value
}

// failed tells whether something is known to be wrong with a parameter.
func (p *params) failed(name string) bool {
	return slices.ContainsFunc(p.errs, func(e ParameterError) bool { return e.Parameter == name })
}

// checkJSON refuses a body that says it is something else than JSON. What tools send when nobody said anything is taken
// for JSON.
func checkJSON(r *http.Request) error {
	given := r.Header.Get("Content-Type")
	media, _, err := mime.ParseMediaType(given)
	switch {
	case given == "":
		return nil
	case err == nil && slices.Contains([]string{"application/json", "text/json", "text/plain",
		"application/x-www-form-urlencoded"}, media):
		return nil
	}
	return problem(http.StatusUnsupportedMediaType, "unsupported-content-type",
		fmt.Sprintf("content type %q is not known; send application/json", shorten(given)))
}
