package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"kaskad/schema"
)

type rereadCommand struct {
	From   string `help:"Have the running ingest read the topic again from this RFC 3339 time of its records on, for facts that were lost; 'beginning' is all that it has. Nothing counts twice." placeholder:"TIME"`
	Accept bool   `help:"Accept that what is lost now is gone: its hours count as settled again, and nothing warns of it any more."`
	attachSettings
}

// Run orders what was asked for, and says what is lost.
func (c *rereadCommand) Run(ctx context.Context) error {
	var from time.Time
	if c.From != "" && c.From != "beginning" {
		var err error
		if from, err = time.Parse(time.RFC3339Nano, c.From); err != nil {
			return fmt.Errorf("--from: %q is not an RFC 3339 time such as 2026-11-20T00:00:00Z, nor 'beginning'",
				c.From)
		}
	}
	if c.From != "" && c.Accept {
		return errors.New("--accept: read again first, and accept what is still lost then")
	}
	st, err := c.open(ctx, needs{clickhouse: true})
	if err != nil {
		return err
	}
	defer st.close()
	switch {
	case c.From != "":
		if _, err := schema.OrderReread(ctx, st.conn, from, "kaskad reread --from "+c.From); err != nil {
			return err
		}
		fmt.Println("ingest reads the topic again within seconds; rereading of GET /v1/status says when it is done")
	case c.Accept:
		if err := listLosses(ctx, st, os.Stdout); err != nil {
			return err
		}
		if err := schema.AcceptLosses(ctx, st.conn); err != nil {
			return err
		}
		fmt.Println("accepted")
		return nil
	}
	return listLosses(ctx, st, os.Stdout)
}

// listLosses prints what is lost, a line each.
func listLosses(ctx context.Context, st *stack, out io.Writer) error {
	lost, err := schema.ReadLosses(ctx, st.conn)
	if err != nil {
		return err
	}
	for _, p := range lost.Parts {
		fmt.Fprintf(out, "part %s of %s cannot be read\n", p.Part, p.Table)
	}
	for _, h := range lost.Hours {
		fmt.Fprintf(out, "hour %s of account %s: %d of %d attempts are left\n", h.Bucket.UTC().Format(time.RFC3339),
			h.Account, h.Found, h.Published)
	}
	fmt.Fprintf(out, "%d parts and %d hours are lost, %d orders to read the topic again are open\n", len(lost.Parts),
		len(lost.Hours), lost.Rereading)
	return nil
}
