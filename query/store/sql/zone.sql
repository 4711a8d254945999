SELECT count() > 0 FROM system.time_zones WHERE time_zone = {tz:String}
