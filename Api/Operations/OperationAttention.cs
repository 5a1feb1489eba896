using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Storage.Operations;

namespace FleetMdm.Api.Operations;

/// <summary>Commands that failed, by the newest operations: those that the overview shows, so that nothing is counted twice.</summary>
internal sealed class OperationAttention(IOperationStore operations, OperationWatch watch) : IAttention
{
    private const int Order = 40;

    public async Task<IReadOnlyList<AttentionItem>> Find(FleetUser reader) =>
    [
        .. from operation in await Newest(operations, watch)
           where operation.Failed > 0
           select new AttentionItem(Order, operation.Failed, $"{(operation.Failed == 1 ? "iPad" : "iPads")} failed {operation.RequestType}",
               $"/operations/{operation.Id}?status=Failed"),
    ];

    /// <summary>The operations of the overview, newest first, with their counts.</summary>
    public static async Task<IReadOnlyList<OperationView>> Newest(IOperationStore operations, OperationWatch watch)
    {
        var described = await Task.WhenAll((await operations.List(null, OnOverview)).Select(row => watch.Describe(row.Id)));
        return [.. described.OfType<Grains.Interfaces.OperationDescription>().Select(OperationView.Of)];
    }

    private const int OnOverview = 5;
}
