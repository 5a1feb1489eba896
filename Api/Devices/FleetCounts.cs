using FleetMdm.Storage;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Api.Devices;

/// <summary>Counts of the whole fleet, for pages.</summary>
/// <param name="Silent">Enrolled, and not seen for <see cref="FleetCounts.SilentDays"/> days.</param>
internal sealed record Counted(IReadOnlyDictionary<EnrolmentStatus, long> ByStatus, long Silent)
{
    public long Of(EnrolmentStatus status) => ByStatus.GetValueOrDefault(status);
}

/// <summary>Counts that read a table from end to end: a few milliseconds with a thousand iPads, a good part of a second with 500,000.</summary>
/// <remarks>Safe for any number of callers, who share one count. It runs for a hundredth of the time at most, so a small fleet is always counted anew; nobody waits for a count
/// that takes long, unless the last one is too old to be shown.</remarks>
internal sealed class FleetCounts(IFleetQueries fleet, TimeProvider time)
{
    /// <summary>A holiday of a week and a cold.</summary>
    public const int SilentDays = 14;

    private const int Share = 100;
    private static readonly TimeSpan WorthWaiting = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan TooOld = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private Task<Counted>? _running;
    private Counted? _last;
    private long _at;
    private TimeSpan _took;

    /// <summary>Of some schools it is counted each time: that reads their iPads alone.</summary>
    public Task<Counted> Read(Scope scope)
    {
        if (scope.SchoolIds is not null) return Count(scope);
        lock (_gate)
        {
            // Whoever enrols the first iPad wants to see it at once.
            if (_last is { } last && last.Of(EnrolmentStatus.Enrolled) == 0) _last = null;
            var age = _last is null ? TimeSpan.MaxValue : time.GetElapsedTime(_at);
            if (_last is not null && age < _took * Share && age < TooOld) return Task.FromResult(_last);
            if (_running is not { IsCompleted: false }) _running = Count();
            return _last is not null && _took > WorthWaiting && age < TooOld ? Task.FromResult(_last) : _running;
        }
    }

    private async Task<Counted> Count()
    {
        // The lock is held by the caller until here.
        await Task.Yield();
        var begun = time.GetTimestamp();
        var counted = await Count(Scope.District);
        lock (_gate)
        {
            (_last, _at, _took) = (counted, time.GetTimestamp(), time.GetElapsedTime(begun));
        }

        return counted;
    }

    private async Task<Counted> Count(Scope scope)
    {
        var byStatus = fleet.CountDevices(scope);
        var silent = fleet.Count(scope, new DeviceFilter { Status = EnrolmentStatus.Enrolled, SeenBefore = time.GetUtcNow().AddDays(-SilentDays) });
        return new Counted(await byStatus, await silent);
    }
}
