using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Storage.Exams;

namespace FleetMdm.Api.Exams;

/// <summary>iPads that an exam has not released yet. It comes first: somebody holds one of them in the hands.</summary>
internal sealed class ExamAttention(IExamStore store) : IAttention
{
    private const int Order = 1;
    private const int Most = 5;

    public async Task<IReadOnlyList<AttentionItem>> Find(FleetUser reader) =>
    [
        .. (await store.ListUnreleased(reader.Scope, Most)).Select(one =>
            new AttentionItem(Order, one.Devices, $"{(one.Devices == 1 ? "iPad is" : "iPads are")} not released from the exam \"{one.Name}\"", $"/exams/{one.Id}?state=notReleased")),
    ];
}
