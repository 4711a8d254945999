package kafkaguard

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// appendAnswer appends an answer with its length and correlation id.
func appendAnswer(to []byte, correlation int32, response kmsg.Response) []byte {
	to = append(to, 0, 0, 0, 0)
	to = binary.BigEndian.AppendUint32(to, uint32(correlation))
	to = response.AppendTo(to)
	binary.BigEndian.PutUint32(to, uint32(len(to)-4))
	return to
}

// unsupportedApiVersions is what a client that is too new gets: an answer that
// every version can read, from which it learns the version to ask again in.
func unsupportedApiVersions(supported versions) kmsg.Response {
	response := kmsg.NewPtrApiVersionsResponse()
	response.ErrorCode = kerr.UnsupportedVersion.Code
	key := kmsg.NewApiVersionsResponseApiKey()
	key.ApiKey, key.MinVersion, key.MaxVersion = int16(kmsg.ApiVersions), supported.min, supported.max
	response.ApiKeys = append(response.ApiKeys, key)
	return response
}

// withoutUnserved takes what is not served out of kfake's answer to ApiVersions.
func withoutUnserved(answer []byte, request sent, login bool) ([]byte, error) {
	response := kmsg.NewPtrApiVersionsResponse()
	response.Version = request.version
	if err := response.ReadFrom(answer[8:]); err != nil {
		return nil, fmt.Errorf("decode the broker's versions: %w", err)
	}
	served := served(login)
	response.ApiKeys = slices.DeleteFunc(response.ApiKeys, func(key kmsg.ApiVersionsResponseApiKey) bool {
		_, ok := served[key.ApiKey]
		return !ok
	})
	for i := range response.ApiKeys {
		key := &response.ApiKeys[i]
		key.MinVersion, key.MaxVersion = served[key.ApiKey].min, served[key.ApiKey].max
	}
	return appendAnswer(nil, request.correlation, response), nil
}

// checkSilent reads the answer to a produce request that wants none (acks=0).
// Apache Kafka ends the connection when it could not store the records.
func checkSilent(answer []byte, request sent) error {
	response := kmsg.NewPtrProduceResponse()
	response.Version = request.version
	if err := response.ReadFrom(answer[8:]); err != nil {
		return fmt.Errorf("decode the broker's answer: %w", err)
	}
	for _, topic := range response.Topics {
		for _, partition := range topic.Partitions {
			if err := kerr.ErrorForCode(partition.ErrorCode); err != nil {
				return fmt.Errorf("records without acknowledgement were not stored: %w", err)
			}
		}
	}
	return nil
}
