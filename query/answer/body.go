package answer

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

// BodyParams reads the body of a route that takes no other parameters.
func (g *Gate) BodyParams(c *gin.Context, limit int64) (*Params, error) {
	if err := NoParams(c); err != nil {
		return nil, err
	}
	return g.ReadFields(c, limit)
}

// number tells that a JSON number is taken too, by its digits, so that no float comes between the caller and an exact
// figure.
func (p *Param) number() bool {
	return p.Schema != nil && slices.ContainsFunc(p.Schema.AnyOf, func(s *Schema) bool { return s.Type == "number" })
}

// ReadFields reads a body of at most limit bytes: one flat JSON object of texts and numbers, with the fields that the
// route declares. What is wrong with them is collected as that of a query string is; null is missing. No error holds a
// value, for it may be the text of a message.
func (g *Gate) ReadFields(c *gin.Context, limit int64) (*Params, error) {
	var fields []Param
	if body := RouteOf(c).Body; body != nil {
		fields = body.Fields
	}
	if err := CheckJSON(c.Request); err != nil {
		return nil, err
	}
	body, memory, err := g.Receive(c, limit, fmt.Sprintf("the body is larger than %d KiB", limit>>10))
	if err != nil {
		return nil, err
	}
	defer memory.Release()
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	p := &Params{Values: url.Values{}}
	d := jx.DecodeBytes(body)
	if !utf8.Valid(body) || d.Next() != jx.Object {
		return nil, NewProblem(http.StatusBadRequest, "bad-body", "the body must be a JSON object in UTF-8")
	}
	err = d.Obj(func(d *jx.Decoder, name string) error {
		i := slices.Index(names, name)
		if i < 0 {
			p.Unknown(name, "is unknown here; ", names)
			return d.Skip()
		}
		switch kind := d.Next(); {
		case kind == jx.Null:
			return d.Null()
		case kind == jx.String:
			value, err := d.Str()
			p.Values[name] = append(p.Values[name], value)
			return err
		case kind == jx.Number && fields[i].number():
			value, err := d.Num()
			p.Values[name] = append(p.Values[name], value.String())
			return err
		case fields[i].number():
			p.Fail(name, "must be a decimal, as a string or a number")
		default:
			p.Fail(name, "must be a string")
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
		return nil, NewProblem(http.StatusBadRequest, "bad-body", "the body is not one valid JSON object: "+err.Error())
	}
	return p, nil
}

// Required returns the value of a parameter that must be given once; hint shows how. It tells of a parameter that is
// wrong already no second time.
func (p *Params) Required(name, hint string) string {
	value, given := p.One(name)
	if !given && !p.Failed(name) {
		p.Fail(name, "is required: "+hint)
	}
	return value
}

// Failed tells whether something is known to be wrong with a parameter.
func (p *Params) Failed(name string) bool {
	return slices.ContainsFunc(p.Errs, func(e ParameterError) bool { return e.Parameter == name })
}

// CheckJSON refuses a body that says it is something else than JSON. What tools send when nobody said anything is taken
// for JSON.
func CheckJSON(r *http.Request) error {
	given := r.Header.Get("Content-Type")
	media, _, err := mime.ParseMediaType(given)
	switch {
	case given == "":
		return nil
	case err == nil && slices.Contains([]string{"application/json", "text/json", "text/plain",
		"application/x-www-form-urlencoded"}, media):
		return nil
	}
	return NewProblem(http.StatusUnsupportedMediaType, "unsupported-content-type",
		fmt.Sprintf("content type %q is not known; send application/json", Shorten(given)))
}
