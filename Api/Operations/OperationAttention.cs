using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Storage;
using FleetMdm.Storage.Operations;

namespace FleetMdm.Api.Operations;

/// <summary>Commands that failed, by the newest operations: those that the overview shows, so that nothing is counted twice.</summary>
internal sealed class OperationAttention(IOperationStore operations, OperationWatch watch) : IAttention
{
    private const int Order = 40;

    public async Task<IReadOnlyList<AttentionItem>> Find(FleetUser reader)
    {
        var newest = await Newest(reader.Scope, operations, watch);
        return
        [
            .. from operation in newest
               where operation.Failed > 0
               select new AttentionItem(Order, operation.Failed, $"{(operation.Failed == 1 ? "iPad" : "iPads")} failed {OperationWords.What(operation)}",
                   $"/operations/{operation.Id}?status=Failed"),
            .. from operation in newest
               where operation is { CancelledAt: null, Pace: { State: "Paused", StopReason: not null } }
               select new AttentionItem(Order, 1, $"operation stopped by itself: {OperationWords.What(operation)}", $"/operations/{operation.Id}"),
        ];
    }

    /// <summary>The operations of the overview, newest first, with their counts.</summary>
    public static async Task<IReadOnlyList<OperationView>> Newest(Scope scope, IOperationStore operations, OperationWatch watch)
    {
        var described = await Task.WhenAll((await operations.List(scope, null, OnOverview)).Select(row => watch.Describe(row.Id)));
        return [.. described.OfType<Grains.Interfaces.OperationDescription>().Select(OperationView.Of)];
    }

    private const int OnOverview = 5;
}
