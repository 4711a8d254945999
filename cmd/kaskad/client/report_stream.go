package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"

	"kaskad/query/answer"
)

// reportRequest is a report that is asked for.
type reportRequest struct {
	route  *answer.Route
	query  url.Values
	server *API
}

// stream writes the report as the server gives it: the page that was asked for, else all of them. A report of one page
// is copied byte for byte; of others the pages are joined, where the format lets them be.
func (r *reportRequest) stream(ctx context.Context, to io.Writer) error {
	onePage := r.query.Has("limit")
	r.limit(pageRows)
	form := r.query.Get("format")
	for first := true; ; first = false {
		response, err := r.server.open(ctx, r.route.Path+"?"+r.query.Encode())
		if err != nil {
			return err
		}
		cursor := response.Header.Get("Kaskad-Next-Cursor")
		switch {
		case form == "json" && !onePage:
			cursor, err = joinJSON(to, response.Body, first)
		case cursor != "" && !onePage && form != "csv" && form != "ndjson":
			response.Body.Close()
			return fmt.Errorf("the report has more than %d rows, and pages of %s cannot be joined: say --format csv "+
				"or ndjson, or filter, or group by less", pageRows, form)
		default:
			body := bufio.NewReader(response.Body)
			if form == "csv" && !first {
				_, err = body.ReadString('\n') // The names of the columns are there already.
			}
			if err == nil {
				_, err = body.WriteTo(to)
			}
		}
		response.Body.Close()
		switch {
		case err != nil:
			return r.server.brokeOff(err)
		case cursor == "":
			return nil
		case onePage:
			fmt.Fprintf(os.Stderr, "there are more rows than these: leave --limit out to have all\n")
			return nil
		}
		r.query.Set("cursor", cursor)
	}
}

// limit asks for so many rows, unless it was said how many, or the report has all in one answer anyway.
func (r *reportRequest) limit(rows int) {
	if !r.query.Has("limit") && r.route.Takes("limit") {
		r.query.Set("limit", strconv.Itoa(rows))
	}
}

// joinJSON writes a page so that all of them are one answer, as if a page had room for all rows, and returns the cursor
// of the next one. The envelope of the first page is that of all: they speak of one moment.
func joinJSON(to io.Writer, body io.Reader, first bool) (cursor string, err error) {
	page, err := io.ReadAll(body)
	if err != nil {
		return "", err
	}
	var read struct {
		Rows       json.RawMessage `json:"rows"`
		NextCursor *string         `json:"next_cursor"`
	}
	if err := json.Unmarshal(page, &read); err != nil {
		return "", err
	}
	begin := bytes.Index(page, []byte(`"rows":[`)) + len(`"rows":[`)
	end := begin + len(read.Rows) - len(`[]`)
	if begin < len(`"rows":[`) || len(read.Rows) < len(`[]`) || end >= len(page) {
		return "", errors.New("the answer has no rows where a report has them")
	}
	next := ""
	if read.NextCursor != nil {
		next, page = *read.NextCursor, page[:end]
	}
	if !first {
		page = append([]byte(","), page[begin:]...)
	}
	_, err = to.Write(page)
	return next, err
}
