using FleetMdm.Storage.ActivationLock;
using FleetMdm.Storage.Apps;
using FleetMdm.Storage.Attestation;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Inventory;
using FleetMdm.Storage.Operations;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Sweeps;

/// <summary>Forgets the escrowed tokens and codes of enrolments that ended long ago and what their iPads had on them, who was left out of old operations or in them, claims that
/// nobody has repeated for long, orders of ACME that have ended, and answers of iPads that nobody could repeat any more.</summary>
internal sealed class EnrolmentRetention(
    IReenrolmentStore store, IEnrolmentStore enrolments, IInventoryStore inventory, IOperationStore operations, IOperationPaceStore paces, IRepeatStore repeats,
    IActivationLockStore codes, IHostedAppStore apps, IAttestationStore attestations, IOptions<RetentionOptions> options, TimeProvider time) : ISweepDuty
{
    /// <summary>An iPad whose claim is older has to try once more.</summary>
    private static readonly TimeSpan KeepClaims = TimeSpan.FromDays(90);

    /// <summary>Why an iPad has no attested identity is told so long.</summary>
    private static readonly TimeSpan KeepTries = TimeSpan.FromDays(90);

    /// <summary>Nobody uploads one app for longer.</summary>
    private static readonly TimeSpan KeepUploads = TimeSpan.FromDays(1);

    private const int AppPieces = 16;
    private const int PieceSize = 1_000;
    private const int MostPieces = 100;

    public TimeSpan Every => TimeSpan.FromHours(1);

    public async Task Run(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await InPieces(() => store.DropClaims(now - KeepClaims, PieceSize), cancellationToken);
        await InPieces(() => enrolments.ForgetSpent(now, PieceSize), cancellationToken);
        await InPieces(() => attestations.Forget(now, now - KeepTries, PieceSize), cancellationToken);
        // One MiB each.
        await InPieces(() => apps.DropUnfinished(now - KeepUploads, AppPieces), cancellationToken, AppPieces);

        if (options.Value.HistoryDays > 0)
        {
            await InPieces(() => inventory.ForgetEnded(now - TimeSpan.FromDays(options.Value.HistoryDays), PieceSize), cancellationToken);
            await InPieces(() => operations.ForgetLeftOut(now - TimeSpan.FromDays(options.Value.HistoryDays), PieceSize), cancellationToken);
            await InPieces(() => paces.ForgetMembers(now - TimeSpan.FromDays(options.Value.HistoryDays), PieceSize), cancellationToken);
            await InPieces(() => repeats.ForgetEnded(now - TimeSpan.FromDays(options.Value.HistoryDays), PieceSize), cancellationToken);
        }

        if (options.Value.EscrowDays > 0)
        {
            await InPieces(() => store.ForgetEscrow(now - TimeSpan.FromDays(options.Value.EscrowDays), PieceSize), cancellationToken);
            await InPieces(() => codes.ForgetEnded(now - TimeSpan.FromDays(options.Value.EscrowDays), PieceSize), cancellationToken);
        }
    }

    private static async Task InPieces(Func<Task<int>> piece, CancellationToken cancellationToken, int size = PieceSize)
    {
        for (var n = 0; n < MostPieces && !cancellationToken.IsCancellationRequested; n++)
        {
            if (await piece() < size) break;
        }
    }
}
