// SPDX-License-Identifier: BSD-3-Clause
// java.util.concurrent.ConcurrentSkipListMap, in random order: get of keys that are there, floor of
// keys that are not, and each key inserted and removed once. What ordered maps are compared with;
// core_map.c does the same. Keys are boxed once, before the clock starts.

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CyclicBarrier;

public class CslmBench {
    static final int ROUNDS = 9, WARM_ROUNDS = 4;
    static final double SECONDS = 0.4;
    static final int CHUNK = 256;

    static final String[] WORKLOADS = {"get", "floor", "insert", "remove"};

    static volatile long sink;

    static long run(ConcurrentSkipListMap<Long, Long> map, String workload, Long[] keys, int from, int to) {
        long sum = 0;
        switch (workload) {
            case "get":
                for (int i = from; i < to; i++) {
                    sum += map.get(keys[i]);
                }
                break;
            case "floor":
                for (int i = from; i < to; i++) {
                    sum += map.floorEntry(keys[i]).getValue();
                }
                break;
            case "insert":
                for (int i = from; i < to; i++) {
                    map.put(keys[i], keys[i]);
                }
                break;
            default:
                for (int i = from; i < to; i++) {
                    map.remove(keys[i]);
                }
        }
        return sum;
    }

    static double round(ConcurrentSkipListMap<Long, Long> map, String workload, Long[][] keys, int threads)
            throws Exception {
        boolean once = workload.equals("insert") || workload.equals("remove");
        CyclicBarrier start = new CyclicBarrier(threads);
        long[] began = new long[threads], ended = new long[threads], done = new long[threads];
        Thread[] team = new Thread[threads];
        for (int t = 0; t < threads; t++) {
            final int me = t;
            team[t] = new Thread(() -> {
                try {
                    Long[] mine = keys[me];
                    long sum = 0, count = 0;
                    start.await();
                    long from = System.nanoTime(), now = from, until = from + (long) (SECONDS * 1e9);
                    int at = 0;
                    do {
                        int to = Math.min(at + CHUNK, mine.length);
                        sum += run(map, workload, mine, at, to);
                        count += to - at;
                        at = to == mine.length ? 0 : to;
                        now = System.nanoTime();
                    } while (once ? at != 0 : now < until);
                    sink += sum;
                    began[me] = from;
                    ended[me] = now;
                    done[me] = count;
                } catch (Exception e) {
                    throw new RuntimeException(e);
                }
            });
            team[t].start();
        }
        for (Thread t : team) {
            t.join();
        }
        long from = Arrays.stream(began).min().getAsLong(), to = Arrays.stream(ended).max().getAsLong();
        return Arrays.stream(done).sum() / ((to - from) * 1e-9) / 1e6;
    }

    public static void main(String[] arguments) throws Exception {
        int[] sizes = arguments.length == 0 ? new int[] {10_000, 100_000, 1_000_000}
                : Arrays.stream(arguments).mapToInt(Integer::parseInt).toArray();
        System.out.println("ConcurrentSkipListMap, Java " + System.getProperty("java.version") + "; load "
                + java.lang.management.ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
        System.out.println("| workload | keys | threads | M/s, median (min-max) of " + ROUNDS + " |");
        System.out.println("|---|---|---|---|");
        for (String workload : WORKLOADS) {
            for (int n : sizes) {
                for (int threads = 1; threads <= 2; threads++) {
                    measure(workload, n, threads);
                }
            }
        }
    }

    static ConcurrentSkipListMap<Long, Long> filled(List<Long> keys) {
        ConcurrentSkipListMap<Long, Long> map = new ConcurrentSkipListMap<>();
        for (Long k : keys) {
            map.put(k, k);
        }
        return map;
    }

    static void measure(String workload, int n, int threads) throws Exception {
        List<Long> shuffled = new ArrayList<>();
        for (long i = 0; i < n; i++) {
            shuffled.add(1000 + 2 * i);
        }
        Collections.shuffle(shuffled, new Random(1));
        boolean once = workload.equals("insert") || workload.equals("remove");
        ConcurrentSkipListMap<Long, Long> map = filled(shuffled);
        Long[][] keys = new Long[threads][];
        for (int t = 0; t < threads; t++) {
            List<Long> mine = new ArrayList<>();
            if (once) { // each key by one of the threads
                for (int i = t; i < n; i += threads) {
                    mine.add(shuffled.get(i));
                }
            } else {
                for (Long k : shuffled) {
                    mine.add(workload.equals("floor") ? Long.valueOf(k + 1) : k);
                }
            }
            if (!workload.equals("insert")) {
                Collections.shuffle(mine, new Random(2 + t));
            }
            keys[t] = mine.toArray(new Long[0]);
        }
        double[] rates = new double[ROUNDS];
        for (int r = -WARM_ROUNDS; r < ROUNDS; r++) {
            if (once) {
                map = workload.equals("insert") ? new ConcurrentSkipListMap<>() : filled(shuffled);
                System.gc();
            }
            double rate = round(map, workload, keys, threads);
            if (r >= 0) {
                rates[r] = rate;
            }
        }
        Arrays.sort(rates);
        System.out.printf("| %s | %d | %d | %.2f (%.2f-%.2f) |%n", workload, n, threads, rates[ROUNDS / 2], rates[0],
                rates[ROUNDS - 1]);
    }
}
