package schema

import "unsafe"

// Fact is one row of a block of facts, as it is stored. Its texts are parts of the block, and hold until that changes.
type Fact struct {
	Account, MessageID                                           []byte
	Channel, Provider, Campaign, Template, Sender, App, Operator string
	Traffic, Trigger, RecipientCountry, SaidCountry, Contact     string
	ErrorCode, Currency                                          string
	BucketMS, OccurredMS, SubmittedMS, IDMS, PriceMicros         int64 // times are 0 while unknown
	SMSMeasure                                                   uint32
	Segments, SMSSegments                                        uint16
	Status                                                       Status
	Step, Part, Parts, Permanent                                 uint8
	Billable                                                     uint8 // 0 unknown, 1 false, 2 true
}

// Read reads row i.
func (f *Facts) Read(i int, to *Fact) {
	account := f.account.at(i)
	*to = Fact{
		Account: unsafe.Slice(unsafe.StringData(account), len(account)), MessageID: f.messageID.at(i),
		Channel: f.channel.at(i), Provider: f.provider.at(i), Campaign: f.campaign.at(i), Template: f.template.at(i),
		Sender: f.sender.at(i), App: f.app.at(i), Operator: f.operator.at(i), Traffic: f.traffic.at(i),
		Trigger: f.trigger.at(i), RecipientCountry: f.recipientCountry.text(i), SaidCountry: f.saidCountry.at(i),
		Contact: f.contact.text(i), ErrorCode: f.errorCode.at(i), Currency: f.currency.at(i),
		BucketMS: f.bucket[i] * 1000, OccurredMS: f.occurredMS[i], SubmittedMS: f.submittedMS[i], IDMS: f.idMS[i],
		PriceMicros: f.priceMicros[i], SMSMeasure: f.smsMeasure[i], Segments: f.segments[i],
		SMSSegments: f.smsSegments[i], Status: Status(f.status[i]), Step: f.step[i], Part: f.part[i],
		Parts: f.parts[i], Permanent: f.permanent[i], Billable: f.billable[i],
	}
}
