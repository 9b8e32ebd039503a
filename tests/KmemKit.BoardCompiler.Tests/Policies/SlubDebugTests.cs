using System.Linq;
using KmemKit.BoardCompiler.Policies;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Policies;

/// <summary><c>slub_debug=</c> means what mm/slub.c makes of it.</summary>
internal sealed class SlubDebugTests
{
    private const SlubDebugFlags F = SlubDebugFlags.ConsistencyChecks;
    private const SlubDebugFlags Z = SlubDebugFlags.RedZone;
    private const SlubDebugFlags P = SlubDebugFlags.Poison;
    private const SlubDebugFlags U = SlubDebugFlags.StoreUser;
    private const SlubDebugFlags T = SlubDebugFlags.Trace;
    private const SlubDebugFlags A = SlubDebugFlags.FailSlab;
    private const SlubDebugFlags None = SlubDebugFlags.None;

    [TestCase("", F | Z | P | U)]
    [TestCase("FZ", F | Z)]
    [TestCase("fzputa", F | Z | P | U | T | A)]
    [TestCase("-", None)]
    [TestCase("FZ-U", U)]
    [TestCase("P;U", U)]
    [TestCase(";;F;;", F)]
    [TestCase("O", None)]
    public void Letters_hold_for_all_caches(string value, SlubDebugFlags expected)
    {
        var options = Parse(value);
        Assert.That(options.FlagsFor("dentry", None), Is.EqualTo(expected));
        Assert.That(options.FlagsFor("dentry", SlubDebugFlags.Default), Is.EqualTo(expected));
    }

    [TestCase("FZ,dentry", "dentry", F | Z)]
    [TestCase("FZ,dentry", "dentry2", None)]
    [TestCase("FZ,dentry", "dentr", None)]
    [TestCase("FZ,a,dentry", "dentry", F | Z)]
    [TestCase(",dentry", "dentry", F | Z | P | U)]
    [TestCase("P,kmalloc-*", "kmalloc-64", P)]
    [TestCase("P,kmalloc-*", "kmalloc-", P)]
    [TestCase("P,kmalloc-*", "kmalloc", None)]
    [TestCase("P,*", "anything", P)]
    [TestCase("-,kmalloc-64", "kmalloc-64", None)]
    [TestCase("F,a;Z,b;P,a", "a", F)]
    [TestCase("F,a;Z,b;P,a", "b", Z)]
    [TestCase("F,a;Z", "b", Z)]
    [TestCase("F,a;Z", "a", F)]
    [TestCase("Z;F,a", "a", F)]
    public void The_first_block_that_names_a_cache_decides(string value, string cache, SlubDebugFlags expected) =>
        Assert.That(Parse(value).FlagsFor(cache, None), Is.EqualTo(expected));

    [Test]
    public void A_list_of_names_leaves_the_other_caches_to_the_configuration()
    {
        var options = Parse("-,kmalloc-64");
        Assert.That(options.FlagsFor("dentry", SlubDebugFlags.Default), Is.EqualTo(SlubDebugFlags.Default));
        Assert.That(options.FlagsFor("kmalloc-64", SlubDebugFlags.Default), Is.EqualTo(None));
    }

    [TestCase("FO", true)]
    [TestCase("F,a;O,b", true)]
    [TestCase("F,O", false)]
    public void O_is_for_all_caches_wherever_it_stands(string value, bool expected) => Assert.That(Parse(value).NoHigherOrders, Is.EqualTo(expected));

    [TestCase("FXZ", "UnknownLetter X 1", F | Z)]
    [TestCase("Fé", "UnknownLetter é 1", F)]
    [TestCase("F Z", "UnknownLetter   1", F | Z)]
    [TestCase("F,a*b", "TextBehindStar a*b 2", None)]
    [TestCase("F,a,,b", "EmptyName  4", None)]
    [TestCase("F,", "EmptyName  2", None)]
    [TestCase("X;Y,q", "UnknownLetter X 0|UnknownLetter Y 2", None)]
    public void What_the_kernel_skips_is_said_and_the_rest_counts(string value, string expected, SlubDebugFlags flags)
    {
        var options = SlubDebugOptions.Parse(value, out var issues);
        Assert.That(string.Join('|', issues.Select(issue => $"{issue.Kind} {issue.Text} {issue.Start}")), Is.EqualTo(expected));
        Assert.That(options.FlagsFor("other", None), Is.EqualTo(flags));
    }

    private static SlubDebugOptions Parse(string value)
    {
        var options = SlubDebugOptions.Parse(value, out var issues);
        Assert.That(issues, Is.Empty);
        Assert.That(options.Text, Is.EqualTo(value));
        return options;
    }
}
