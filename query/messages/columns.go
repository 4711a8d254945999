package messages

import (
	"context"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"kaskad/query/store"
	"kaskad/schema"
	"kaskad/schema/law"
)

// factColumns are the columns of columns.sql, block by block: an export of millions of attempts would pass through as
// many values of all kinds else.
type factColumns struct {
	account, channel, provider, campaign, template, sender, app, operator, traffic, trigger store.Words
	saidCountry, errorCode                                                                  store.Words
	messageID, recipientCountry, contact, lastError                                         proto.ColStr
	step, parts, partFailures, permanent, billable                                          proto.ColUInt8
	segments, smsSegments                                                                   proto.ColUInt16
	bucketMS, submittedMS, idMS                                                             proto.ColInt64
	machineMS, singleDeliveredMS, partsDeliveredMS                                          proto.ColInt64
	deliveredParts, failedParts                                                             proto.ColUInt256

	times [schema.Skipped]proto.ColInt64
	// The elements of prices, beside where each row's end.
	priceKeys proto.ColStr
	prices    proto.ColInt64
	priceEnds *proto.ColUInt64
}

// results are the columns in the order of columns.sql.
func (c *factColumns) results() (results proto.Results) {
	prices := proto.NewMap(&c.priceKeys, &c.prices)
	c.priceEnds = &prices.Offsets
	columns := []proto.ColResult{c.account.Result(), &c.bucketMS, &c.messageID, &c.step, &c.submittedMS, &c.idMS,
		c.channel.Result(), c.provider.Result(), c.campaign.Result(), c.template.Result(), c.sender.Result(),
		c.app.Result(), c.operator.Result(), c.traffic.Result(), c.trigger.Result(), &c.recipientCountry,
		c.saidCountry.Result(), &c.contact, &c.segments, &c.smsSegments, &c.machineMS, &c.singleDeliveredMS, &c.parts,
		&c.deliveredParts, &c.failedParts, &c.partFailures, &c.partsDeliveredMS, &c.permanent, &c.billable,
		&c.lastError, c.errorCode.Result(), prices}
	for i := range c.times {
		columns = append(columns, &c.times[i])
	}
	for _, column := range columns {
		results = append(results, proto.ResultColumn{Data: &store.Merged{ColResult: column}})
	}
	return results
}

// read takes a row, as fact.scan does.
func (c *factColumns) read(row int, f *fact) {
	messageID, recipientCountry, contact := f.key.MessageID, f.RecipientCountry, f.Contact
	f.Reset(c.step[row])
	f.key.Account, f.key.BucketMS = c.account.At(row), c.bucketMS[row]
	f.key.MessageID = store.Kept(messageID, c.messageID.RowBytes(row))
	f.submittedMS, f.idMS = c.submittedMS[row], c.idMS[row]
	f.Channel, f.Provider, f.Campaign = c.channel.At(row), c.provider.At(row), c.campaign.At(row)
	f.Template, f.Sender, f.App = c.template.At(row), c.sender.At(row), c.app.At(row)
	f.Operator, f.Traffic, f.Trigger = c.operator.At(row), c.traffic.At(row), c.trigger.At(row)
	f.RecipientCountry = store.Kept(recipientCountry, c.recipientCountry.RowBytes(row))
	f.SaidCountry, f.Contact = c.saidCountry.At(row), store.Kept(contact, c.contact.RowBytes(row))
	f.Segments, f.SMSSegments = c.segments[row], c.smsSegments[row]
	f.MachineMS, f.SingleDeliveredMS = c.machineMS[row], c.singleDeliveredMS[row]
	f.Parts, f.PartFailures, f.PartsDeliveredMS = c.parts[row], c.partFailures[row], c.partsDeliveredMS[row]
	f.DeliveredParts, f.FailedParts = partSet(&c.deliveredParts[row]), partSet(&c.failedParts[row])
	f.Permanent, f.Billable = c.permanent[row], c.billable[row]
	if text := c.lastError.RowBytes(row); len(text) > 0 {
		f.SetLastError(string(text))
	}
	f.AnyErrorCode = c.errorCode.At(row)
	at := uint64(0)
	if row > 0 {
		at = (*c.priceEnds)[row-1]
	}
	for ; at < (*c.priceEnds)[row]; at++ {
		f.SetPrice(c.priceKeys.Row(int(at)), c.prices[at])
	}
	for i := range f.Times {
		f.Times[i] = c.times[i][row]
	}
}

func partSet(n *proto.UInt256) law.PartSet {
	return law.PartSet{n.Low.Low, n.Low.High, n.High.Low, n.High.High}
}

// readColumns adds the facts of a statement, block by block.
func (w *walk) readColumns(ctx context.Context, statement string, args []any, chunk []target, to *merger) error {
	var columns [2]factColumns
	sets := []proto.Results{columns[0].results(), columns[1].results()}
	query := store.ColumnQuery{Statement: statement, Args: args, Tables: []ch.ExternalTable{w.q.targetColumns(chunk)}}
	var f fact
	return w.db.ExportColumns(ctx, query, sets, func(_ context.Context, set, rows int) error {
		for row := range rows {
			columns[set].read(row, &f)
			if err := to.add(&f); err != nil {
				return err
			}
		}
		return nil
	})
}

// targetColumns is withTargets of a statement that is read by column.
func (q *listQuery) targetColumns(chunk []target) ch.ExternalTable {
	var accounts, ids proto.ColStr
	buckets := proto.ColDateTime{Location: time.UTC}
	for i := range chunk {
		accounts.Append(chunk[i].Account)
		buckets.Append(time.UnixMilli(chunk[i].BucketMS))
		ids.Append(chunk[i].MessageID)
	}
	table := proto.Input{{Name: "account", Data: &accounts}, {Name: "bucket", Data: &buckets}}
	if q.byMessage() {
		table = append(table, proto.InputColumn{Name: "message_id", Data: &ids})
	}
	return ch.ExternalTable{Name: "targets", Data: table}
}
