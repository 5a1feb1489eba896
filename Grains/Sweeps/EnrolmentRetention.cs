using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Inventory;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Sweeps;

/// <summary>Forgets the escrowed tokens of enrolments that ended long ago and what their iPads had on them, claims that nobody has repeated for long, and
/// answers of iPads that nobody could repeat any more.</summary>
internal sealed class EnrolmentRetention(
    IReenrolmentStore store, IEnrolmentStore enrolments, IInventoryStore inventory, IOptions<RetentionOptions> options, TimeProvider time) : ISweepDuty
{
    /// <summary>An iPad whose claim is older has to try once more.</summary>
    private static readonly TimeSpan KeepClaims = TimeSpan.FromDays(90);

    private const int PieceSize = 1_000;
    private const int MostPieces = 100;

    public TimeSpan Every => TimeSpan.FromHours(1);

    public async Task Run(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await InPieces(() => store.DropClaims(now - KeepClaims, PieceSize), cancellationToken);
        await InPieces(() => enrolments.ForgetSpent(now, PieceSize), cancellationToken);
        if (options.Value.HistoryDays > 0)
            await InPieces(() => inventory.ForgetEnded(now - TimeSpan.FromDays(options.Value.HistoryDays), PieceSize), cancellationToken);
        if (options.Value.EscrowDays > 0)
            await InPieces(() => store.ForgetEscrow(now - TimeSpan.FromDays(options.Value.EscrowDays), PieceSize), cancellationToken);
    }

    private static async Task InPieces(Func<Task<int>> piece, CancellationToken cancellationToken)
    {
        for (var n = 0; n < MostPieces && !cancellationToken.IsCancellationRequested; n++)
        {
            if (await piece() < PieceSize) break;
        }
    }
}
