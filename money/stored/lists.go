package stored

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/money"
	"kaskad/schema"
)

// Lists are the price lists of an account. They never change.
type Lists struct {
	List *money.PriceList
	// Tariffs and Templates are the rows that List was made of.
	Tariffs   []money.Tariff
	Templates []money.Template
	// Zone is the one in which providers close the account's month.
	Zone *time.Location
}

// Compile makes the lists of what an account has put; what was never put (version 0) is empty.
func Compile(tariffs, templates schema.Reference) (made Lists, err error) {
	made.Zone = time.UTC
	if tariffs.Version > 0 {
		rows, zone, err := money.SplitTariffs(tariffs.Body)
		if err == nil {
			made.Zone, err = money.BillingZone(zone)
		}
		if err == nil {
			made.Tariffs, err = money.ParseTariffsJSON(slices.Concat([]byte(`{"tariffs":`), rows, []byte("}")))
		}
		if err != nil {
			return made, fmt.Errorf("version %d of tariffs: %w", tariffs.Version, err)
		}
	}
	if templates.Version > 0 {
		if made.Templates, err = money.ParseTemplatesJSON(slices.Concat([]byte(`{"templates":`), templates.Body,
			[]byte("}"))); err != nil {
			return made, fmt.Errorf("version %d of templates: %w", templates.Version, err)
		}
	}
	made.List = money.NewPriceList(made.Tariffs, made.Templates)
	return made, nil
}

// ReadTariffs returns the tariffs of an account as they are now, without its templates, which no attempt's price
// depends on.
func ReadTariffs(ctx context.Context, conn driver.Conn, account string) (Lists, error) {
	tariffs, _, err := schema.ReadReference(ctx, conn, schema.ReferenceTariffs, account, 0)
	if err != nil {
		return Lists{}, err
	}
	return Compile(tariffs, schema.Reference{})
}
