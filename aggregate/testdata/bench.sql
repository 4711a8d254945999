-- Parameter: messages. Shares, delays and dimensions are made up to be like a shop's day; nothing in them decides a figure.
INSERT INTO attempts (account,bucket,message_id,step,submitted_ms,id_ms,channel,provider,campaign,template,sender,app,operator,traffic,trigger,recipient_country,contact,segments,sms_segments,queued_ms,accepted_ms,sent_ms,delivered_ms,read_ms,clicked_ms,replied_ms,undelivered_ms,rejected_ms,expired_ms,failed_ms,skipped_ms,parts,delivered_parts,failed_parts,part_failures,parts_delivered_ms,error_code,permanent,prices)
WITH 9999999999999 AS never, cityHash64(number, 1) AS h, cityHash64(number,2) AS h2,
 1790000000000 + intDiv(number * 86400000, {messages:UInt32}) AS at,
 ['push','viber','whatsapp','sms','vk','telegram'][1 + (h % 100 > 35) + (h%100>50)+(h%100>58)+(h%100>90)+(h%100>96)] AS ch1,
 -- outcome
 (h % 1000) AS o,
 multiIf(ch1='sms', o < 930, o < 700) AS deliv,
 s = 2 AS second,
 if(second,'sms',ch1) AS ch,
 if(second, h2 % 100 < 93, deliv) AS d
SELECT 'acme', toStartOfHour(toDateTime(intDiv(at,1000),'UTC')), concat(lower(leftPad(hex(at),12,'0')), '-', lower(hex(h2)), lower(hex(number)))  , s, at, at,
 ch, if(ch='sms', ['mts','smsc','devino'][1+h2%3], if(ch='push','own','x')), concat('c', toString(intDiv(number*20,{messages:UInt32}))), concat('tpl', toString(h2 % 40 * (h2%3) % 25)), if(ch='sms',['SHOP','BANK'][1+h%2],'Shop'), if(ch='push','app1',''),
 concat('25', ['001','002','099','020'][1+ h2%4]), ['otp','transactional','service','promo'][1+h2%4], if(second,'undelivered','first'),
 concat('+79', leftPad(toString(h % 5000000),9,'0'), '\0', if(h%50=0,'KZ','RU')), '', if(ch='sms', 1+h2%3, 0), 1+h2%3,
 never, at+100, at+200+second*60000, if(d, at+1500+h%60000+second*60000, never), if(d AND ch NOT IN ('sms') AND h2%2=0, at+100000+h%3600000, never), never, if(d AND ch='whatsapp' AND h2%10=0, at+200000, never),
 if(NOT d AND h2%3=0, at+70000, never), never, if(NOT d AND h2%3=1, at+90000, never), never, never, 0,0,0,0,0, if(d,'',toString(h2%7)), 0, map()
FROM numbers({messages:UInt32}) ARRAY JOIN if(NOT deliv AND ch1 != 'sms', [1,2], [1]) AS s
SETTINGS max_insert_threads=2, min_insert_block_size_rows=5000000
