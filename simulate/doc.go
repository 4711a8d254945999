// Package simulate plays the world that Kaskad measures, and knows the answers.
//
// It has two halves that share nothing but the event format of docs/events.md:
//
//   - [Simulator] writes the events of a seeded, dirty and realistic world: accounts with their own habits, cascades
//     over all channels, receipts that come twice, late, out of order or never, and poison in between. The same seed
//     and configuration give the same bytes on every machine and at every speed.
//   - [Model] is the naive reading of docs/definitions.md sections 1 to 5. It keeps every attempt in memory, folds
//     events in whatever order they come, and computes the reports and the verdicts on numbers with exact integer
//     arithmetic. It shares no code with the decoder, the tables, the SQL or package money: when both agree, they agree
//     because both follow the definitions.
//
// Where the Simulator makes worlds that look real, [RandomMoney] and [RandomNumbers] make small ones in which every
// rule about money and about numbers is met.
//
// Phone numbers are drawn at random from ranges that libphonenumber takes for mobile numbers. They belong to nobody on
// purpose and to somebody by accident, so nothing may ever be sent to them.
package simulate
