using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Audit;

/// <inheritdoc cref="IAuditChainGrain"/>
/// <remarks>What waits and what is sealed is in the store: this grain may be lost at any moment, and another one goes on. Two of them for a moment take turns at the end of the
/// chain. Its memory knows one thing that nobody who holds only the database can change: where the chain ended a moment ago.</remarks>
[GrainType("audit-chain")]
internal sealed partial class AuditChainGrain(IAuditChain chain, TimeProvider clock, ILogger<AuditChainGrain> logger) : Grain, IAuditChainGrain
{
    private static readonly TimeSpan SealEvery = TimeSpan.FromSeconds(1);

    /// <summary>A log that is kept elsewhere then knows the end of the chain of each day.</summary>
    private static readonly TimeSpan WitnessEvery = TimeSpan.FromDays(1);

    /// <summary>In one transaction: on SQLite all others wait for it, a few milliseconds.</summary>
    private const int PieceSize = 500;

    private AuditHead? _known;
    private DateTimeOffset? _witnessedAt;
    private Task<long> _sealing = Task.FromResult(0L);

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        this.RegisterGrainTimer(
            static (grain, _) => grain.Tick(), this, new GrainTimerCreationOptions(SealEvery, SealEvery) { Interleave = true, KeepAlive = true });
        return Task.CompletedTask;
    }

    public Task Wake() => Task.CompletedTask;

    public async Task<long> Seal()
    {
        // One that has begun may have looked before the caller wrote.
        while (!_sealing.IsCompleted)
            await Ended(_sealing);
        return await (_sealing = SealAll());
    }

    private async Task Tick()
    {
        if (!_sealing.IsCompleted) return;
        try
        {
            await (_sealing = SealAll());
        }
        catch (Exception e)
        {
            LogFailed(e);
        }
    }

    private async Task<long> SealAll()
    {
        while (true)
        {
            var piece = await chain.Seal(_known, PieceSize);
            _known = piece.Head;
            if (piece.Broken is { } broken) LogBroken(broken);
            if (piece.Count < PieceSize) break;
        }

        var now = clock.GetUtcNow();
        if (_known.Number > 0 && (_witnessedAt is null || now - _witnessedAt >= WitnessEvery))
        {
            LogWitness(_known.Witness, _known.Number);
            _witnessedAt = now;
        }

        return _known.Number;
    }

    private static async Task Ended(Task task)
    {
        try
        {
            await task;
        }
        catch (Exception)
        {
            // Whoever began it hears of it.
        }
    }

    [LoggerMessage(2520, LogLevel.Information, "The audit chain stands at {Witness}. Whoever keeps this line can check later that its first {Number} records are still what they were")]
    private partial void LogWitness(string witness, long number);

    [LoggerMessage(2521, LogLevel.Error, "Somebody else has changed the audit chain in the database. {Broken} It is recorded, and the chain goes on; check it with audit-verify")]
    private partial void LogBroken(string broken);

    [LoggerMessage(2522, LogLevel.Warning, "Audit records could not be put into their chain; it is tried again in a second")]
    private partial void LogFailed(Exception exception);
}
