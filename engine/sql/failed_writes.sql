-- How many writes failed since the process started.
SELECT sum(value) FROM system.events WHERE event = 'WriteBufferFromFileDescriptorWriteFailed'
SETTINGS max_threads = 1
