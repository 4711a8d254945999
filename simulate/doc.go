// Package simulate writes the events of a world that Kaskad can measure: seeded, dirty and realistic.
//
// Accounts have their own habits, cascades run over all channels, receipts come twice, late, out of order or never, and
// poison lies in between. The same seed and configuration give the same bytes on every machine and at every speed.
//
// What must follow from the events is computed in package model, which shares nothing with this one but the event
// format of docs/events.md. The tests of both hold them together.
//
// Phone numbers are drawn at random from ranges that libphonenumber takes for mobile numbers. They belong to nobody on
// purpose and to somebody by accident, so nothing may ever be sent to them.
package simulate
