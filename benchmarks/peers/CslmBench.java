// SPDX-License-Identifier: BSD-3-Clause
// java.util.concurrent.ConcurrentSkipListMap, get of keys that are there, random order: the figure
// that a lock-free skip list is compared with. Keys are boxed once, before the clock starts.

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

    static volatile long sink;

    static double round(ConcurrentSkipListMap<Long, Long> map, Long[][] keys, int threads) throws Exception {
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
                    while (now < until) {
                        int to = Math.min(at + CHUNK, mine.length);
                        for (int i = at; i < to; i++) {
                            sum += map.get(mine[i]);
                        }
                        count += to - at;
                        at = to == mine.length ? 0 : to;
                        now = System.nanoTime();
                    }
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
        System.out.println("ConcurrentSkipListMap.get, Java " + System.getProperty("java.version") + "; load "
                + java.lang.management.ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
        System.out.println("| keys | threads | M/s, median (min-max) of " + ROUNDS + " |");
        System.out.println("|---|---|---|");
        for (int n : sizes) {
            List<Long> shuffled = new ArrayList<>();
            for (long i = 0; i < n; i++) {
                shuffled.add(1000 + 2 * i);
            }
            Collections.shuffle(shuffled, new Random(1));
            ConcurrentSkipListMap<Long, Long> map = new ConcurrentSkipListMap<>();
            for (Long k : shuffled) {
                map.put(k, -k);
            }
            Long[][] keys = new Long[2][];
            for (int t = 0; t < 2; t++) {
                Collections.shuffle(shuffled, new Random(2 + t));
                keys[t] = shuffled.toArray(new Long[0]);
            }
            for (int threads = 1; threads <= 2; threads++) {
                for (int r = 0; r < WARM_ROUNDS; r++) {
                    round(map, keys, threads);
                }
                double[] rates = new double[ROUNDS];
                for (int r = 0; r < ROUNDS; r++) {
                    rates[r] = round(map, keys, threads);
                }
                Arrays.sort(rates);
                System.out.printf("| %d | %d | %.2f (%.2f-%.2f) |%n", n, threads, rates[ROUNDS / 2], rates[0],
                        rates[ROUNDS - 1]);
            }
        }
    }
}
