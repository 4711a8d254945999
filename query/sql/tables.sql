SELECT arraySort(arrayFilter(name -> NOT has((SELECT groupArray(name) FROM system.tables WHERE database = currentDatabase()), name), {needed:Array(String)}))
