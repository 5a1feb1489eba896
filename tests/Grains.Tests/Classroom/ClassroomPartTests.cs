using FleetMdm.Grains.Classroom;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Classroom;
using FleetMdm.Storage.People;

namespace FleetMdm.Grains.Tests.Classroom;

/// <summary>What an iPad is to know of its classes.</summary>
public sealed class ClassroomPartTests
{
    private static readonly DateTimeOffset Now = new(2026, 9, 1, 8, 0, 0, TimeSpan.Zero);

    private static ClassroomCa Ca(byte mark, int madeDaysAgo) => new(new SealedCertificate([mark], []), Now.AddDays(-madeDaysAgo), Now.AddYears(9));

    private static readonly SealedClassroomAuthority Authority = new()
    {
        Version = 1,
        OrganizationUuid = Guid.Parse("8d9c1c5e-2f6c-4a46-9d0a-0a8b9f1d2c3e"),
        Organization = "District",
        Leaders = [Ca(1, 100)],
        Members = [Ca(2, 100)],
    };

    private static ClassroomPersonRow Person(string id) => new(id, "Given", id);

    private static ClassroomGroupRow Group(string id, PersonRole role, int? beacon, string[] teachers, params string[] pupils) =>
        new(id, "Class " + id, beacon, role, [.. teachers.Select(Person)], [.. pupils.Select(Person)]);

    private static ClassroomFacts Facts(string holder, params ClassroomGroupRow[] groups) => new("PAD", Person(holder), groups);

    [Fact]
    public void Who_teaches_one_class_and_learns_in_another_has_the_class_that_they_teach()
    {
        var (content, wish) = ClassroomPart.Of(Facts("t", Group("a", PersonRole.Teacher, 2, ["t"], "p", "q"), Group("b", PersonRole.Pupil, 1, ["u"], "t")), Authority)!.Value;

        Assert.True(content!.IsLeader);
        Assert.Equal([2], content.Groups.Select(group => group.Beacon));
        Assert.Equal(["p", "q", "t"], content.Users.Select(user => user.Id));
        Assert.Equal((PersonRole.Teacher, 3, null), (wish.Role, wish.People, wish.Problem));
        Assert.Equal(["a"], wish.ClassIds);
    }

    [Fact]
    public void The_order_of_the_rows_changes_nothing_and_a_name_a_member_or_a_CA_does()
    {
        ClassroomGroupRow one = Group("a", PersonRole.Teacher, 1, ["t"], "p", "q"), two = Group("b", PersonRole.Teacher, 2, ["t", "u"], "p");
        byte[] Hash(SealedClassroomAuthority authority, params ClassroomGroupRow[] groups) => ClassroomPart.Of(Facts("t", groups), authority)!.Value.Wish.Content;
        var hash = Hash(Authority, one, two);

        Assert.Equal(hash, Hash(Authority, two, one));
        Assert.NotEqual(hash, Hash(Authority, one, two with { Name = "Another" }));
        Assert.NotEqual(hash, Hash(Authority, one with { Pupils = [Person("p")] }, two));
        Assert.NotEqual(hash, Hash(Authority with { Members = [Ca(3, 0), .. Authority.Members] }, one, two));
    }

    [Fact]
    public void Too_many_classes_or_people_and_a_class_without_a_number_are_a_problem_in_words()
    {
        Assert.Null(ClassroomPart.Of(Facts("t"), Authority));
        var many = ClassroomPart.Of(Facts("t", [.. Enumerable.Range(1, 101).Select(n => Group("c" + n, PersonRole.Teacher, n, ["t"]))]), Authority)!.Value;
        Assert.Null(many.Content);
        Assert.Equal("The person is in 101 classes. A profile holds 100 at most.", many.Wish.Problem);
        Assert.Contains("3,001 people", ClassroomPart.Of(Facts("t", Group("a", PersonRole.Teacher, 1, ["t"], [.. Enumerable.Range(0, 3000).Select(n => "p" + n)])), Authority)!.Value.Wish.Problem, StringComparison.Ordinal);
        Assert.Contains("tell apart", ClassroomPart.Of(Facts("t", Group("a", PersonRole.Teacher, null, ["t"])), Authority)!.Value.Wish.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void An_iPad_of_which_nothing_can_be_made_has_a_problem_with_its_classes_and_not_the_hash_of_any_content()
    {
        var facts = Facts("t", Group("a", PersonRole.Teacher, 1, ["t"]));

        var wish = ClassroomPart.Broken(facts, new FormatException("secret"));

        Assert.Equal(("PAD", "t", PersonRole.Teacher), (wish.DeviceId, wish.PersonId, wish.Role));
        Assert.Equal(["a"], wish.ClassIds);
        Assert.DoesNotContain("secret", wish.Problem, StringComparison.Ordinal);
        Assert.NotEqual(wish.Content, ClassroomPart.Of(facts, Authority)!.Value.Wish.Content);
        // Whatever a person writes into a name is none.
        Assert.Null(ClassroomPart.Of(Facts("t", Group("a", PersonRole.Teacher, 1, ["t"]) with { Name = "\uFFFE{{{", Pupils = [new ClassroomPersonRow("p", "\uFFFF", "B\uFFFE")] }), Authority)!.Value.Wish.Problem);
    }

    [Fact]
    public void A_new_CA_issues_when_iPads_have_had_thirty_days_to_learn_of_it()
    {
        ClassroomCa fresh = Ca(9, 29), old = Ca(1, 4000);
        Assert.Same(old, SealedClassroomAuthority.Issuer([fresh, old], Now));
        Assert.Same(fresh, SealedClassroomAuthority.Issuer([fresh, old], Now.AddDays(1)));
        Assert.Same(fresh, SealedClassroomAuthority.Issuer([fresh], Now.AddDays(-20)));
    }
}
