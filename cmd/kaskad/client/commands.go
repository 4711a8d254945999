// Package client holds the commands that ask a running kaskad over HTTP: reports, status, numbers, and files of price
// lists, templates and error maps; and the client that they ask with.
package client

// Commands are those that ask a running kaskad, and those that ask nobody. Prepare them before a line is parsed.
type Commands struct {
	SMS       smsCommand       `cmd:"" name:"sms" help:"Say how many segments a text takes, why, and what would make it cheaper."`
	Tariffs   tariffsCommand   `cmd:"" help:"Price lists: check a file, import it into a running kaskad, export it again."`
	Templates templatesCommand `cmd:"" help:"How many SMS segments each template takes: check a file, import it, export it again."`
	ErrorMap  errorMapCommand  `cmd:"" help:"What providers' error codes mean: check a file, import it into a running kaskad, export it again."`
	Numbers   numbersCommand   `cmd:"" help:"Dead numbers: list, check before a mailing, export, follow what changes."`
	Report    reportCommand    `cmd:"" help:"Print a report of a running kaskad as a table, or all of it as CSV, JSON, Parquet and so on."`
	Status    statusCommand    `cmd:"" help:"Show lag, freshness, throughput and the balance of a running kaskad, and go on."`
}

// Prepare finds the reports that the API has.
func (c *Commands) Prepare() (err error) {
	c.Report, err = newReportCommand()
	return err
}
