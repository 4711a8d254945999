// Package notify announces changes of verdicts on numbers to a Kafka topic and to a webhook.
//
// Its guarantee: each sink gets every change in the feed at least once, and those of a number in the order of the feed.
// A sink has a position in the feed, which is stored after the sink has acknowledged all changes up to it: a crash in
// between announces a batch again, and never skips one. Sinks do not wait for each other.
package notify
