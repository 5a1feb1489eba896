using System.Diagnostics.Metrics;

namespace FleetMdm.Api.Access;

/// <summary>How often people sign in, and how often it fails. Each figure is there from the start: one that is missing looks like one that is broken.</summary>
internal sealed class SignInMetrics : IHostedService, IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _tries;

    public SignInMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("FleetMdm.SignIn");
        _tries = _meter.CreateCounter<long>("fleetmdm.signins", "{try}", "Tries to sign in with an account, by result: done, wrong (password, code or passkey), paused (too many), refused (by the rules for a provider)");
    }

    public void Count(string result, int tries = 1) => _tries.Add(tries, new KeyValuePair<string, object?>("result", result));

    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var result in (string[])["done", "wrong", "paused", "refused"]) Count(result, 0);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _meter.Dispose();
}
