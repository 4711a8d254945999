package kafkaguard

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// judgeProduce walks a request with records without copying them. One that kfake
// should not store, or may not because the disk is full, gets its answer here:
// nothing of it is stored then.
func (l *listener) judgeProduce(v *verdict, frame []byte, h header, produce *kmsg.ProduceRequest) error {
	acksAt, batches, err := walkProduce(frame, h, produce)
	if err != nil {
		return fmt.Errorf("request Produce that cannot be decoded: %w", err)
	}
	code, cause := kerr.KafkaStorageError.Code, l.config.Refuse() // producers try again
	if cause == nil {
		cause = l.checkProducers(batches)
	}
	if cause == nil {
		code = kerr.InvalidRecord.Code // they do not
		for _, batch := range batches {
			if cause = checkBatch(batch); cause != nil {
				break
			}
		}
	}
	v.sent.silent = produce.Acks == 0
	if cause != nil {
		v.answer = refusal(produce, code, cause.Error())
		return nil
	}
	if v.sent.silent {
		// With an answer for every request the guard knows when kfake is done.
		binary.BigEndian.PutUint16(frame[acksAt:], 1)
	}
	return nil
}

// checkProducers keeps strangers from making up producers.
func (l *listener) checkProducers(batches [][]byte) error {
	for _, batch := range batches {
		if len(batch) < batchHeader {
			continue
		}
		if id := int64(binary.BigEndian.Uint64(batch[batchProducerAt:])); id >= 0 && !l.knowProducer(id) {
			return errors.New("too many new producers: try again later")
		}
	}
	return nil
}

// walkProduce reads everything around the records into produce, and says where
// the number of acknowledgements stands.
func walkProduce(frame []byte, h header, produce *kmsg.ProduceRequest) (acksAt int, batches [][]byte, err error) {
	reader := kbin.Reader{Src: frame[h.body:]}
	if id := reader.NullableString(); id != nil && len(*id) > maxString {
		return 0, nil, fmt.Errorf("a transactional id of %d bytes", len(*id))
	}
	acksAt = len(frame) - len(reader.Src)
	produce.Acks, produce.TimeoutMillis = reader.Int16(), reader.Int32()
	elements := 0
	for topics := reader.ArrayLen(); topics > 0; topics-- {
		topic := kmsg.NewProduceRequestTopic()
		topic.Topic = reader.String()
		for partitions := reader.ArrayLen(); partitions > 0; partitions-- {
			partition := kmsg.NewProduceRequestTopicPartition()
			partition.Partition = reader.Int32()
			batches = append(batches, reader.NullableBytes())
			topic.Partitions = append(topic.Partitions, partition)
			if elements++; elements > maxElements {
				return 0, nil, fmt.Errorf("more than %d partitions", maxElements)
			}
			if !reader.Ok() {
				return 0, nil, errors.New("it ends too early")
			}
		}
		produce.Topics = append(produce.Topics, topic)
		if elements++; elements > maxElements || !reader.Ok() {
			return 0, nil, errors.New("it ends too early, or has too many topics")
		}
	}
	return acksAt, batches, reader.Complete()
}

// refusal is the answer to a produce request that stores nothing.
func refusal(request *kmsg.ProduceRequest, code int16, message string) *kmsg.ProduceResponse {
	response := request.ResponseKind().(*kmsg.ProduceResponse)
	for _, topic := range request.Topics {
		refused := kmsg.NewProduceResponseTopic()
		refused.Topic, refused.TopicID = topic.Topic, topic.TopicID
		for _, partition := range topic.Partitions {
			answer := kmsg.NewProduceResponseTopicPartition()
			answer.Partition = partition.Partition
			answer.ErrorCode = code
			answer.BaseOffset = -1
			answer.ErrorMessage = &message
			refused.Partitions = append(refused.Partitions, answer)
		}
		response.Topics = append(response.Topics, refused)
	}
	return response
}
