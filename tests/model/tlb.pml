/*
 * tlb.pml - the shootdown protocol of mm/tlb.c and kernel/base/smp.c, for the model checker Spin.
 *
 * Idea.       Three CPUs; two of them map a frame at an address of their own, take it away again and free it, all at any
 *             time go to sleep, wait for locks, are interrupted. Spin tries every interleaving.
 *             What the hardware fills by itself is the worst of what it may: each CPU, asleep or not, holds an entry from
 *             the moment when it is there, and again right after a flush; one that it has held it holds until it flushes,
 *             beside newer ones. Who fills later, or forgets, holds less.
 * Layout.     Process c is the main loop of CPU c, process CPUS + c its interrupt. While that runs, the main loop stands
 *             still.
 * Invariants. No CPU that is awake holds a translation to a frame that its address does not own (free, or reused by the
 *             other address): asserted when a frame is freed, when a CPU has woken, and of every interrupt's handler,
 *             asleep or not. Nothing ends but at an `end` label: else there is a deadlock, which Spin calls an invalid
 *             end state.
 * Failure.    With one of the macros below the protocol lacks a step, and Spin has to find out: tests/host/test_model.py.
 *             Memory is sequentially consistent here; where the code relies on a barrier, its head says so. Not in it:
 *             flushes of which sleepers are asked as well, CPUs that come online, calls that are started and waited for
 *             later.
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
byte tlb[CPUS * VAS];	/* what each CPU holds: a set of frames, BIT(frame) */
byte owner[FRAMES + 1]; /* address + 1, 0: the frame is free */

byte state[CPUS];
bit asleep[CPUS], irqs_off[CPUS], in_irq[CPUS], irq_line[CPUS];

byte mailbox[CPUS], owed[CPUS]; /* call[c] asks to flush address c */

byte irqs_on_lock, irqs_off_lock; /* CPU + 1 */

#define VALID(set, v) (!((set) & BIT(1) && owner[1] != (v) + 1) && !((set) & BIT(2) && owner[2] != (v) + 1))

/* What code on this CPU may rely on. */
inline expect_no_stale_translation(c)
{
	assert(VALID(TLB(c, 0), 0) && VALID(TLB(c, 1), 1))
}

inline flush_local(c, v)
{
	TLB(c, v) = (pte[v] -> BIT(pte[v]) : 0)
}

inline flush_all_local(c)
{
	d_step {
		flush_local(c, 0);
		flush_local(c, 1)
	}
}

/* wake_up() and tlb_lazy_exit(): asleep, interrupts off. */
inline wake_up(c)
{
#ifdef FLUSH_BEFORE_STATE
	if
	:: state[c] == STALE -> flush_all_local(c)
	:: else
	fi;
	state[c] = ACTIVE;
#else
	atomic { /* exchange */
		was = state[c];
		state[c] = ACTIVE
	};
	if
#ifdef NO_FLUSH_ON_WAKE
	:: was == STALE -> skip
#else
	:: was == STALE -> flush_all_local(c)
#endif
	:: else
	fi;
#endif
	atomic {
		was = 0;
		asleep[c] = 0;
		expect_no_stale_translation(c)
	}
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

/* Whoever finds an empty mailbox sends the interrupt, for all who come before it is answered. */
inline ask(t)
{
	atomic {
		if
		:: to_ask & BIT(t) ->
			to_wake = to_wake | (mailbox[t] == 0 -> BIT(t) : 0);
			mailbox[t] = mailbox[t] | BIT(me)
		:: else
		fi
	}
}

inline send(t)
{
	irq_line[t] = irq_line[t] | (to_wake & BIT(t) -> 1 : 0)
}

inline answer(caller)
{
	atomic {
		callers & BIT(caller) ->
		callers = callers & ~BIT(caller);
#ifdef ANSWER_BEFORE_FLUSH
		owed[caller]--
	};
	flush_local(me, caller)
#else
		flush_local(me, caller)
	};
	owed[caller]--
#endif
}

inline expect_awake_have_none(c)
{
	if
	:: !asleep[c] -> expect_no_stale_translation(c)
	:: else
	fi
}

inline free_frame()
{
	atomic {
		owner[frame] = 0;
		expect_awake_have_none(0);
		expect_awake_have_none(1);
		expect_awake_have_none(2)
	}
}

inline fill(c)
{
	TLB(c, me) = TLB(c, me) | BIT(frame)
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
	atomic {
		send(0);
		send(1);
		send(2);
		to_wake = 0
	};
	flush_local(me, me);
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

/* What ends it is an interrupt, which may come as soon as they are on, or the alarm, which may never come. */
inline sleep()
{
	atomic { /* interrupts are off */
		state[me] = LAZY;
		asleep[me] = 1
	};
	if
	:: skip
	:: !asleep[me]
	fi;
	irqs_off[me] = 1;
	if
	:: asleep[me] -> wake_up(me)
	:: else
	fi;
	irqs_off[me] = 0
}

active [CPUS] proctype main_loop() provided (!in_irq[_pid])
{
	byte me = _pid, turn, frame, to_ask, to_wake, was;

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
	byte me = _pid - CPUS, callers, was;

end:	do
	:: atomic { irq_line[me] && !irqs_off[me] ->
		in_irq[me] = 1;
		irq_line[me] = 0 };
#if !defined(NO_WAKE_IN_INTERRUPT) && !defined(WAKE_AFTER_HANDLER)
		if
		:: asleep[me] -> wake_up(me)
		:: else
		fi;
#endif
		expect_no_stale_translation(me); /* the handler may use any */
		atomic {
			callers = mailbox[me];
			mailbox[me] = 0
		};
		do
		:: answer(0)
		:: answer(1)
		:: callers == 0 -> break
		od;
#ifdef WAKE_AFTER_HANDLER
		if
		:: asleep[me] -> wake_up(me)
		:: else
		fi;
#endif
		in_irq[me] = 0
	od
}
