package lists

import (
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"kaskad/query/answer"
)

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

// whyParam reads what who puts a list says of it.
func whyParam(p *answer.Params) string {
	why, _ := p.One("why")
	if len(why) > maxWhy || !utf8.ValidString(why) || strings.ContainsRune(why, 0) {
		p.Fail("why", fmt.Sprintf("must be a text of at most %d bytes", maxWhy))
	} else if answer.NamesPerson(why) {
		p.Fail("why", "names a person, and versions would outlive the person's erasure: leave the number out")
	}
	return why
}

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
