using System.Diagnostics.CodeAnalysis;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Sweeps;

namespace FleetMdm.Grains.Push;

/// <summary>A push on its way.</summary>
internal sealed class PushItem(PushOrder order, bool paced, int attempts)
{
    public PushOrder Order { get; set; } = order;
    public bool Paced { get; set; } = paced;
    /// <summary>How often it was tried.</summary>
    public int Attempts { get; set; } = attempts;
    /// <summary>It left the queue: what is left of it in another line is a ghost.</summary>
    public bool Taken { get; set; }
}

/// <summary>
/// Pushes that wait: at most one for an enrolment (a newer one takes the place of the older), single ones before the paced
/// ones of operations and sweeps, those to be tried again not before their time.
/// </summary>
/// <remarks>
/// Threading: any number of threads add, finish and return; one takes. Bounded: a push has a place from the moment it is added
/// until <see cref="Finish"/>, also while it is under way or waits to be tried again; paced ones may have half the places, so
/// that a single command always finds room. Full: <see cref="TryAdd"/> says false. Nothing here is durable: what is lost is a
/// push, never a command.
/// </remarks>
internal sealed class PushQueue
{
    /// <summary>Who waits for room is woken when a sixteenth of it is free, not for each single place.</summary>
    private const int RoomShare = 16;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, PushItem> _waiting = new(StringComparer.Ordinal);
    private readonly Queue<PushItem> _single = new();
    private readonly Queue<PushItem> _paced = new();
    private readonly PriorityQueue<PushItem, long> _later = new();
    private readonly int _capacity;
    private readonly int _pacedCapacity;
    private readonly Pacer? _pacer;
    private readonly TimeProvider _time;
    private readonly Wakeup _wakeup;
    private TaskCompletionSource? _room;
    private int _places;
    private int _pacedPlaces;
    private long _pacedNotBefore;

    /// <param name="pacer">How fast paced pushes may be taken; null: as fast as they can.</param>
    public PushQueue(int capacity, Pacer? pacer, TimeProvider time)
    {
        _capacity = capacity;
        _pacedCapacity = Math.Max(1, capacity / 2);
        _pacer = pacer;
        _time = time;
        _wakeup = new Wakeup(time);
        _pacedNotBefore = time.GetTimestamp();
    }

    /// <summary>How many places are taken.</summary>
    public int Count => Volatile.Read(ref _places);

    /// <summary>How many wait to be taken.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
                return _waiting.Count;
        }
    }

    /// <summary>False: there is no room. True: it waits, or has taken the place of one for the same enrolment.</summary>
    public bool TryAdd(PushOrder order, bool paced)
    {
        lock (_lock)
        {
            if (_waiting.TryGetValue(order.EnrolmentId, out var same))
            {
                same.Order = order;
                if (same.Paced && !paced)
                    Promote(same);
                return true;
            }
            if (_places >= _capacity || (paced && _pacedPlaces >= _pacedCapacity))
                return false;
            _places++;
            if (paced)
                _pacedPlaces++;
            Enqueue(new PushItem(order, paced, attempts: 0));
        }
        _wakeup.Set();
        return true;
    }

    /// <summary>Adds them all as paced ones, and waits for room as often as needed.</summary>
    public async Task AddPacedAsync(IEnumerable<PushOrder> orders, CancellationToken cancellationToken)
    {
        foreach (var order in orders)
        {
            while (true)
            {
                Task room;
                lock (_lock)
                {
                    if (TryAdd(order, paced: true))
                        break;
                    room = (_room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
                }
                await room.WaitAsync(cancellationToken);
            }
        }
    }

    /// <summary>Takes the next one, if there is one and it may go now.</summary>
    /// <param name="wait">Otherwise: after how long to look again; null: when something is added.</param>
    public bool TryTake([NotNullWhen(true)] out PushItem? item, out TimeSpan? wait)
    {
        lock (_lock)
        {
            wait = CallDue();
            if (TryDequeue(_single, out item))
                return true;
            DropGhosts(_paced);
            if (_paced.Count == 0)
                return false;
            var hold = _time.GetElapsedTime(_time.GetTimestamp(), _pacedNotBefore);
            if (hold <= TimeSpan.Zero)
                hold = _pacer?.TryPass() ?? TimeSpan.Zero;
            if (hold <= TimeSpan.Zero)
                return TryDequeue(_paced, out item);
            wait = wait < hold ? wait : hold;
            return false;
        }
    }

    /// <summary>Waits until it is worth trying to take again.</summary>
    public Task Wait(TimeSpan? atMost, CancellationToken cancellationToken) => _wakeup.Wait(atMost, cancellationToken);

    /// <summary>Takes no paced ones for a while.</summary>
    public void HoldPaced(TimeSpan duration)
    {
        lock (_lock)
            _pacedNotBefore = _time.GetTimestamp() + (long)(duration.TotalSeconds * _time.TimestampFrequency);
    }

    /// <summary>It is done with, one way or the other: its place is free.</summary>
    public void Finish(PushItem item)
    {
        TaskCompletionSource? room = null;
        lock (_lock)
        {
            _places--;
            if (item.Paced)
                _pacedPlaces--;
            if (_room is not null && _places < _capacity && _pacedPlaces <= _pacedCapacity - Math.Max(1, _pacedCapacity / RoomShare))
                (room, _room) = (_room, null);
        }
        room?.TrySetResult();
    }

    /// <summary>It was taken and is to be tried again. When a newer one for the same enrolment waits already, that is enough.</summary>
    public void Return(PushItem item, TimeSpan delay)
    {
        var again = new PushItem(item.Order, item.Paced, item.Attempts);
        bool superseded;
        lock (_lock)
        {
            superseded = !_waiting.TryAdd(again.Order.EnrolmentId, again);
            if (!superseded)
                _later.Enqueue(again, _time.GetTimestamp() + (long)(delay.TotalSeconds * _time.TimestampFrequency));
        }
        if (superseded)
            Finish(item);
        _wakeup.Set();
    }

    private void Enqueue(PushItem item)
    {
        _waiting[item.Order.EnrolmentId] = item;
        (item.Paced ? _paced : _single).Enqueue(item);
    }

    /// <summary>A single command came for an enrolment whose paced push waits. One that waits to be tried again keeps its time.</summary>
    private void Promote(PushItem item)
    {
        _pacedPlaces--;
        var single = new PushItem(item.Order, paced: false, item.Attempts);
        if (item.Attempts > 0)
        {
            item.Paced = false;
            return;
        }
        item.Taken = true;
        Enqueue(single);
        _wakeup.Set();
    }

    /// <summary>Puts those whose time has come into their lines; returns how long until the next one's.</summary>
    private TimeSpan? CallDue()
    {
        var now = _time.GetTimestamp();
        while (_later.TryPeek(out var item, out var due))
        {
            if (due > now)
                return _time.GetElapsedTime(now, due);
            _later.Dequeue();
            (item.Paced ? _paced : _single).Enqueue(item);
        }
        return null;
    }

    private bool TryDequeue(Queue<PushItem> line, [NotNullWhen(true)] out PushItem? item)
    {
        DropGhosts(line);
        if (!line.TryDequeue(out item))
            return false;
        item.Taken = true;
        _waiting.Remove(item.Order.EnrolmentId);
        return true;
    }

    private static void DropGhosts(Queue<PushItem> line)
    {
        while (line.TryPeek(out var first) && first.Taken)
            line.Dequeue();
    }
}
