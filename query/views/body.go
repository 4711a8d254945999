package views

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
)

const (
	maxViews     = 100
	maxNameRunes = 100
	maxURLBytes  = 4 << 10
)

// read reads {"views":[{"name","url"}]}, as GET gives it, and judges it. The error names everything that is wrong.
func (v *Views) read(c *gin.Context) ([]view, error) {
	if err := answer.CheckJSON(c.Request); err != nil {
		return nil, err
	}
	raw, memory, err := v.gate.Receive(c, maxBody, "the views are larger than "+answer.ByteSize(maxBody)+
		" together: delete some, or shorten their addresses")
	if err != nil {
		return nil, err
	}
	defer memory.Release()
	var body struct {
		Views *[]view `json:"views"`
		// What GET shows beside them is left out.
		Version json.RawMessage `json:"version"`
		At      json.RawMessage `json:"at"`
	}
	reader := json.NewDecoder(bytes.NewReader(raw))
	reader.DisallowUnknownFields()
	if err = reader.Decode(&body); err == nil {
		if _, end := reader.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("something follows the object")
		}
	}
	if err != nil || !utf8.Valid(raw) || body.Views == nil {
		return nil, answer.NewProblem(http.StatusBadRequest, "bad-body", "nothing was changed: the body must be one "+
			`JSON object in UTF-8 such as {"views":[{"name":"Viber in May","url":"/channels?channel=viber"}]}`).
			Because(err)
	}
	return *body.Views, check(*body.Views)
}

// check returns a Problem that names everything that is wrong with the views.
func check(views []view) error {
	p := &answer.Params{}
	if len(views) > maxViews {
		p.Fail("views", fmt.Sprintf("are %d, and %d at most are kept: delete some", len(views), maxViews))
	}
	seen := map[string]int{}
	for i, one := range views {
		fail := func(field, reason string) { p.Fail(fmt.Sprintf("views[%d].%s", i, field), reason) }
		if reason := wrongName(one.Name); reason != "" {
			fail("name", reason)
		} else if first, taken := seen[one.Name]; taken {
			fail("name", fmt.Sprintf("%q is that of views[%d] too: choose another", answer.Shorten(one.Name), first))
		} else {
			seen[one.Name] = i
		}
		if reason := wrongURL(one.URL); reason != "" {
			fail("url", reason)
		}
	}
	err := p.Err()
	var problem *answer.Problem
	if errors.As(err, &problem) {
		problem.Detail = "nothing was changed: " + problem.Detail
	}
	return err
}

func wrongName(name string) string {
	switch {
	case strings.TrimSpace(name) == "":
		return "must not be empty"
	case strings.TrimSpace(name) != name:
		return "must not begin or end with a space"
	case utf8.RuneCountInString(name) > maxNameRunes:
		return fmt.Sprintf("is longer than %d characters: shorten it", maxNameRunes)
	case strings.ContainsFunc(name, unicode.IsControl):
		return "holds a control character, such as a line break: leave it out"
	case answer.NamesPerson(name):
		return namesPerson
	}
	return ""
}

const (
	namesPerson = "names a person, and what is saved would outlive the person's erasure: save a view without number " +
		"or recipient"
	foreign = "must be an address of this page without scheme and host, such as /channels?channel=viber"
)

func wrongURL(address string) string {
	if len(address) > maxURLBytes {
		return fmt.Sprintf("is longer than %d bytes: choose fewer filters", maxURLBytes)
	}
	// Browsers take a backslash for a slash, and leave out tabs and line breaks: so //host may come in many ways.
	if !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") || strings.Contains(address, `\`) ||
		strings.ContainsFunc(address, unicode.IsControl) {
		return foreign
	}
	u, err := url.Parse(address)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || u.Opaque != "" {
		return foreign
	}
	if clean := path.Clean(u.Path) + "/"; strings.HasPrefix(clean, "/v1/") || clean == "/metrics/" {
		return "must be an address of the page, not of the API, such as /channels?channel=viber"
	}
	query, wrong := url.ParseQuery(u.RawQuery)
	fragment, err := url.QueryUnescape(u.EscapedFragment())
	if wrong != nil || err != nil {
		return "cannot be read: percent-encode the values, and separate them by &"
	}
	named := query.Has("recipient") || query.Has("contact") || query.Has("number") ||
		answer.NamesPerson(u.Path) || answer.NamesPerson(fragment)
	for _, values := range query {
		named = named || slices.ContainsFunc(values, answer.NamesPerson)
	}
	if named {
		return namesPerson
	}
	return ""
}
