namespace FleetMdm.LoadTests.Fleet;

/// <summary>iPads from one number to another, each taken once by a worker; where iPads keep to nodes, by one that is connected to the iPad's own.</summary>
public sealed class Turns
{
    private readonly LoadFleet _fleet;
    private readonly int _to;
    private readonly int[] _next;

    public Turns(LoadFleet fleet, int from, int to)
    {
        (_fleet, _to) = (fleet, to);
        _next = new int[fleet.Kept];
        for (var number = from; number < from + fleet.Kept; number++) _next[number % fleet.Kept] = number;
    }

    /// <summary>Null: all are taken.</summary>
    public LoadIPad? Next(int worker)
    {
        var number = Interlocked.Add(ref _next[worker % _fleet.Kept], _fleet.Kept) - _fleet.Kept;
        return number < _to ? _fleet.IPads[number] : null;
    }
}
