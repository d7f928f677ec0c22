/*
 * tlb.pml - the shootdown protocol of mm/tlb.c and kernel/smp.c, for the model checker Spin.
 *
 * Idea.       Three CPUs; two of them map a frame at an address of their own, take it away again and free it, all at any
 *             time go to sleep, wait for locks, are interrupted. Spin tries every interleaving.
 *             What the hardware fills by itself is the worst of what it may: each CPU, asleep or not, holds an entry from
 *             the moment when it is there, and again right after a flush. Who fills later, or forgets, holds less.
 * Layout.     Process c is the main loop of CPU c, process CPUS + c its interrupt. While that runs, the main loop stands
 *             still.
 * Invariants. No CPU that is awake holds a translation to a frame that its address does not own (free, or reused by the
 *             other address): asserted when a frame is freed and when a CPU is awake again. Nothing ends but at an `end` label:
 *             else there is a deadlock, which Spin calls an invalid end state.
 * Failure.    With one of the macros below the protocol lacks a step, and Spin has to find out: tests/host/test_model.py.
 *             Memory is sequentially consistent here; where the code relies on a barrier, its head says so.
 */
#define CPUS   3
#define VAS    2 /* address v belongs to CPU v */
#define FRAMES 2
#define TURNS  (1 + (me < VAS)) /* things that a CPU does */

#define ACTIVE 0
#define LAZY   1
#define STALE  2

#define BIT(n) (1 << (n))
#define TLB(c, v) tlb[(c) * VAS + (v)]

byte pte[VAS];		/* a frame from 1 on, 0: nothing mapped */
byte tlb[CPUS * VAS];	/* what each CPU holds, as in pte[] */
byte owner[FRAMES + 1]; /* address + 1, 0: the frame is free */

byte state[CPUS];
bit asleep[CPUS], irqs_off[CPUS], in_irq[CPUS], irq_line[CPUS];

byte mailbox[CPUS], owed[CPUS]; /* call[c] asks to flush address c */

byte irqs_on_lock, irqs_off_lock; /* CPU + 1 */

inline expect_no_stale_translation(c)
{
	d_step {
		v = 0;
		do
		:: v < VAS ->
			assert(state[c] != ACTIVE || TLB(c, v) == 0 || owner[TLB(c, v)] == v + 1);
			v++
		:: else -> break
		od;
		v = 0
	}
}

inline flush_all_local(c)
{
	d_step {
		TLB(c, 0) = pte[0];
		TLB(c, 1) = pte[1]
	}
}

/* wake_up() and tlb_lazy_exit(): asleep, interrupts off. */
inline wake_up(c)
{
	asleep[c] = 0;
	do
	:: atomic { state[c] == LAZY -> /* compare and exchange */
		state[c] = ACTIVE;
		expect_no_stale_translation(c);
		break }
	:: atomic { state[c] == STALE ->
#if defined(NO_FLUSH_ON_WAKE)
		state[c] = LAZY }
#elif defined(FLUSH_BEFORE_STATE)
		flush_all_local(c) };
		state[c] = LAZY
#else
		state[c] = LAZY };
		flush_all_local(c)
#endif
	od
}

/* One CPU: marked if it sleeps, else to be asked. */
inline mark_or_ask(t)
{
	atomic {
		if
		:: t == me -> skip
#ifdef SKIP_SLEEPERS
		:: t != me && state[t] == LAZY -> skip
#else
		:: t != me && state[t] == LAZY -> state[t] = STALE
#endif
		:: t != me && state[t] == STALE -> skip
		:: t != me && state[t] == ACTIVE -> to_ask = to_ask | BIT(t); owed[me]++
		fi
	}
}

inline look_at_all()
{
	mark_or_ask(0);
	mark_or_ask(1);
	mark_or_ask(2)
}

inline ask(t)
{
	atomic {
		if
		:: to_ask & BIT(t) ->
			irq_line[t] = irq_line[t] | (mailbox[t] == 0);
			mailbox[t] = mailbox[t] | BIT(me)
		:: else
		fi
	}
}

inline answer(caller)
{
	atomic {
		callers & BIT(caller) ->
		callers = callers & ~BIT(caller);
#ifdef ANSWER_BEFORE_FLUSH
		owed[caller]--
	};
	TLB(me, caller) = pte[caller]
#else
		TLB(me, caller) = pte[caller]
	};
	owed[caller]--
#endif
}

inline free_frame()
{
	atomic {
		owner[frame] = 0;
		expect_no_stale_translation(0);
		expect_no_stale_translation(1);
		expect_no_stale_translation(2)
	}
}

inline fill(c)
{
	if
	:: TLB(c, me) == 0 -> TLB(c, me) = frame
	:: else
	fi
}

inline map_and_unmap()
{
	atomic { /* the allocator's own business */
		if
		:: owner[1] == 0 -> frame = 1
		:: owner[2] == 0 -> frame = 2
		fi;
		owner[frame] = me + 1;
		pte[me] = frame;
		fill(0);
		fill(1);
		fill(2)
	};
	if /* a flush may be made with such a lock held or not */
	:: atomic { me == 0 && irqs_on_lock == 0 -> irqs_on_lock = me + 1 }
	:: me != 0
	fi;
#ifdef HOLD_IRQS_OFF_LOCK
	atomic { irqs_off_lock == 0 -> irqs_off_lock = me + 1 };
#endif
#ifdef LOOK_BEFORE_CLEAR
	look_at_all();
#endif
	pte[me] = 0;
#ifdef FREE_BEFORE_FLUSH
	free_frame();
#endif
#ifndef LOOK_BEFORE_CLEAR
	look_at_all();
#endif
	ask(0);
	ask(1);
	ask(2);
	TLB(me, me) = pte[me];
#ifdef WAIT_WITH_IRQS_OFF
	irqs_off[me] = 1;
#endif
#ifndef NO_WAIT
	owed[me] == 0;
#endif
#ifdef WAIT_WITH_IRQS_OFF
	irqs_off[me] = 0;
#endif
#ifndef FREE_BEFORE_FLUSH
	free_frame();
#endif
#ifdef HOLD_IRQS_OFF_LOCK
	irqs_off_lock = 0;
#endif
	atomic {
		if
		:: irqs_on_lock == me + 1 -> irqs_on_lock = 0
		:: else
		fi;
		to_ask = 0;
		frame = 0
	}
}

inline take_irqs_off_lock()
{
	irqs_off[me] = 1;
	atomic { irqs_off_lock == 0 -> irqs_off_lock = me + 1 };
	atomic {
		irqs_off_lock = 0;
		irqs_off[me] = 0
	}
}

inline take_irqs_on_lock()
{
#ifdef SPIN_WITH_IRQS_OFF
	irqs_off[me] = 1;
#endif
	atomic { irqs_on_lock == 0 -> irqs_on_lock = me + 1 };
	atomic {
		irqs_on_lock = 0;
		irqs_off[me] = 0
	}
}

/* What ends it is an interrupt, which may come as soon as they are on, or the alarm. */
inline sleep()
{
	atomic { /* interrupts are off */
		state[me] = LAZY;
		asleep[me] = 1
	};
	irqs_off[me] = 1;
	if
	:: asleep[me] -> wake_up(me)
	:: else
	fi;
	irqs_off[me] = 0
}

active [CPUS] proctype main_loop() provided (!in_irq[_pid])
{
	byte me = _pid, turn, v, frame, to_ask;

	do
	:: atomic { turn < TURNS && me < VAS -> turn++ }; map_and_unmap()
	:: atomic { turn < TURNS -> turn++ }; take_irqs_off_lock()
	:: atomic { turn < TURNS && me != 0 -> turn++ }; take_irqs_on_lock()
	:: atomic { turn < TURNS -> turn++ }; sleep()
	:: turn == TURNS -> break
	od;
end:	false /* awake, idle, and still answering */
}

active [CPUS] proctype interrupt()
{
	byte me = _pid - CPUS, v, callers;

end:	do
	:: atomic { irq_line[me] && !irqs_off[me] ->
		in_irq[me] = 1;
		irq_line[me] = 0 };
		if
		:: asleep[me] -> wake_up(me)
		:: else
		fi;
		atomic {
			callers = mailbox[me];
			mailbox[me] = 0
		};
		do
		:: answer(0)
		:: answer(1)
		:: atomic { callers == 0 -> in_irq[me] = 0; break }
		od
	od
}
