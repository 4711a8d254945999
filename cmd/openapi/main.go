// Command openapi prints the document that a server with keys serves at /openapi.json, for who generates a client from
// it. It needs no service.
package main

import (
	"fmt"
	"os"

	"kaskad/query"
)

func main() {
	document, err := query.Document("dev")
	if err == nil {
		_, err = os.Stdout.Write(append(document, '\n'))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}
