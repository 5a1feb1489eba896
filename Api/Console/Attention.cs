using FleetMdm.Api.Access;

namespace FleetMdm.Api.Console;

/// <summary>What a room says on the overview when something of it is not well. The room adds itself to the services; the overview asks all.</summary>
/// <remarks>Asked with each view of the overview: it must be cheap with 500,000 iPads.</remarks>
internal interface IAttention
{
    Task<IReadOnlyList<AttentionItem>> Find(FleetUser reader);
}

/// <summary>Something that is not well.</summary>
/// <param name="Order">From the top; the urgent ones come first.</param>
/// <param name="Count">How many; null: it is one thing.</param>
/// <param name="Words">What it is, after the count.</param>
/// <param name="Path">Where it can be seen and mended.</param>
/// <param name="Urgent">Nothing works as long as it is so.</param>
public sealed record AttentionItem(int Order, long? Count, string Words, string Path, bool Urgent = false);
