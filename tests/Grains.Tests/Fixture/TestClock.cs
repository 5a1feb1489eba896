using Microsoft.Extensions.Time.Testing;

namespace FleetMdm.Grains.Tests.Fixture;

/// <summary>
/// Time that stands still until a test moves it, but for waits so short that they are plumbing (gathering a batch, looking again):
/// those pass by the real clock, so that parts which talk to each other over sockets do not wait for the test.
/// </summary>
public sealed class TestClock(DateTimeOffset start) : TimeProvider
{
    private static readonly TimeSpan Plumbing = TimeSpan.FromSeconds(2);

    private readonly FakeTimeProvider _still = new(start);

    public void Advance(TimeSpan time) => _still.Advance(time);

    /// <summary>Somebody puts the clock forwards or back: no time passes by it, so no timer fires.</summary>
    public void Put(TimeSpan ahead) => _still.AdjustTime(_still.GetUtcNow() + ahead);

    public override DateTimeOffset GetUtcNow() => _still.GetUtcNow();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer(TestClock clock, TimerCallback callback, object? state) : ITimer
    {
        private readonly Lock _gate = new();
        private ITimer? _timer;
        private bool _disposed;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (_gate)
            {
                if (_disposed) return false;
                _timer?.Dispose();
                _timer = null;
                if (dueTime == Timeout.InfiniteTimeSpan) return true;
                var source = dueTime <= Plumbing ? System : clock._still;
                _timer = source.CreateTimer(callback, state, dueTime, period);
                return true;
            }
        }

        public void Dispose()
        {
            lock (_gate)
            {
                _disposed = true;
                _timer?.Dispose();
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
